import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';
import type { ShownCertificate } from '../domain/shown-certificate.ts';
import { reasonOf } from './failure-reason.ts';

/** The purpose of a certificate by which a client says who it is: id-kp-clientAuth (RFC 5280, 4.2.1.12). */
const clientPurpose = '1.3.6.1.5.5.7.3.2';
const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** TLS of the listeners. */
export interface ServerTls {
  readonly context: SecureContext;
  /** The authorities whose certificates clients may show. Empty: clients are asked for none. */
  readonly authorities: readonly X509Certificate[];
  /** Makes the context for a client that names its server so. Null: for no server of this name. Absent: one certificate is for all names. */
  readonly forName?: (serverName: string) => SecureContext | null;
}

export interface ServerTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** The PEM file of the authorities. Null: clients show no certificates. */
  readonly clientsFile: string | null;
}

/** Reads the listeners' certificate, and the authorities of clients. Throws GatewayError `config_invalid`. */
export function readServerTls({ certFile, keyFile, clientsFile }: ServerTlsFiles): ServerTls {
  try {
    const clients = clientsFile === null ? '' : readFileSync(clientsFile, 'utf8');
    const authorities = Array.from(clients.matchAll(pemCertificate), ([pem]) => new X509Certificate(pem));
    if (clientsFile !== null && authorities.length === 0) {
      throw new Error(`there is no certificate in ${clientsFile}`);
    }
    const asking = clientsFile === null ? {} : { ca: clients, sessionIdContext: 'countersign' };
    return { context: createSecureContext({ cert: readFileSync(certFile), key: readFileSync(keyFile), ...asking }), authorities };
  } catch (cause) {
    const message = `The certificate ${certFile} with the key ${keyFile} cannot be used: ${reasonOf(cause)}.`;
    throw new GatewayError('config_invalid', message, { cause });
  }
}

/** Begins TLS as the server. A client that shows no certificate, or one that is not accepted, goes on without: it may have a token. */
export function answerTls(socket: Socket, { context, authorities, forName }: ServerTls, alpnProtocols: readonly string[]): TLSSocket {
  return new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: [...alpnProtocols],
    requestCert: authorities.length > 0,
    rejectUnauthorized: false,
    ...(forName === undefined ? {} : { SNICallback: (name, done) => done(null, forName(name) ?? undefined) }),
  });
}

/** Returns the certificate that a client showed in the handshake, which is over; null if it showed none. */
export function certificateOf(socket: Socket, { authorities }: Pick<ServerTls, 'authorities'>): ShownCertificate | null {
  const shown = socket instanceof TLSSocket && authorities.length > 0 ? socket.getPeerX509Certificate() : undefined;
  if (shown === undefined) {
    return null;
  }
  const sha256 = shown.fingerprint256.replaceAll(':', '').toLowerCase();
  try {
    const fault = faultOf(shown, authorities, Date.now());
    return { names: [...namesIn(shown), `sha256:${sha256}`], sha256, expiresMs: shown.validToDate.getTime(), fault };
  } catch {
    // Anybody can show a certificate of any form, and Node throws at some.
    return { names: [], sha256, expiresMs: 0, fault: 'it cannot be read' };
  }
}

/**
 * Returns why a certificate is not accepted. An authority of the configuration must have signed it itself: no chain is built, so no certificate passes as an
 * authority that is none.
 */
function faultOf(shown: X509Certificate, authorities: readonly X509Certificate[], nowMs: number): string | null {
  const isNow = ({ validFromDate, validToDate }: X509Certificate): boolean => validFromDate.getTime() <= nowMs && nowMs < validToDate.getTime();
  if (!authorities.some((authority) => authority.ca && isNow(authority) && shown.checkIssued(authority) && shown.verify(authority.publicKey))) {
    return 'no authority of tls.clients signed it';
  }
  if (!isNow(shown)) {
    return 'it is not valid now';
  }
  if (shown.ca) {
    return 'it is that of an authority';
  }
  // Node's types do not say that there may be none.
  const purposes: readonly string[] = Array.isArray(shown.keyUsage) ? shown.keyUsage : [];
  return purposes.includes(clientPurpose) ? null : 'it is not made for clients (extendedKeyUsage clientAuth)';
}

/** Returns the alternative names of a certificate. Node puts those in quotes that hold characters which separate names. */
function namesIn({ subjectAltName = '' }: X509Certificate): readonly string[] {
  const kinds: Readonly<Record<string, string>> = { URI: 'uri', DNS: 'dns', email: 'email' };
  return Array.from(subjectAltName.matchAll(/(?:^|, )([\w ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?=, |$)/g), ([, kind = '', value = '']) => {
    const name: unknown = value.startsWith('"') ? JSON.parse(value) : value;
    return [kinds[kind], typeof name === 'string' && kind !== 'URI' ? name.toLowerCase() : name] as const;
  }).flatMap(([kind, name]) => (kind === undefined || typeof name !== 'string' ? [] : [`${kind}:${name}`]));
}
