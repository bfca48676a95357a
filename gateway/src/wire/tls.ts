import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';

/** Reads a listener's certificate. Throws GatewayError `config_invalid`. */
export function readServerCertificate(certificateFile: string, keyFile: string): SecureContext {
  try {
    return createSecureContext({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) });
  } catch (cause) {
    const message = `The certificate ${certificateFile} with the key ${keyFile} cannot be used: ${reasonOf(cause)}.`;
    throw new GatewayError('config_invalid', message, { cause });
  }
}

/** Options of TLS with a target: whether its certificate is checked and for which name, and the protocols that are offered to it. */
export function tlsTo(host: string, { verify, alpnProtocols }: { readonly verify: boolean; readonly alpnProtocols: readonly string[] }): ConnectionOptions {
  return {
    host,
    // The name that is sent to the server (SNI) may not be an address.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: verify,
    ...(alpnProtocols.length === 0 ? {} : { ALPNProtocols: [...alpnProtocols] }),
  };
}

/** Resolves when the handshake is done. If it fails, the socket is destroyed and this rejects with an Error that says why. */
export async function handshake(socket: TLSSocket, done: 'secure' | 'secureConnect', limitMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    reject(new Error(`it was not finished within ${limitMs / 1000} s`));
  }, limitMs);
  const onClose = (): void => {
    reject(new Error('the peer closed the connection'));
  };
  socket.once(done, resolve);
  // Only this event says why a handshake failed on a server's socket.
  socket.once('_tlsError', reject);
  socket.once('error', reject);
  socket.once('close', onClose);
  // If a peer ends only its half, the gateway notices by reading.
  socket.once('end', onClose);
  socket.resume();
  try {
    await promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    socket.off(done, resolve);
    socket.off('_tlsError', reject);
    socket.off('error', reject);
    socket.off('close', onClose);
    socket.off('end', onClose);
    socket.pause();
  }
}

/** Describes in a few words a failure of the operating system or of OpenSSL. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
}
