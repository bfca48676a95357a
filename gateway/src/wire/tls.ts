import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

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
