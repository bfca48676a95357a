import type { Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';

const tlsHandshakeByte = 0x16;
/** The first bytes of a client that speaks HTTP/2 without negotiating it (RFC 9113, 3.4); no method of HTTP/1.1 begins with them. */
const preface = Buffer.from('PRI');

export type HttpVersion = 1 | 2;

export interface HelloOptions {
  /** With a certificate, a client that begins TLS is answered in TLS. */
  readonly certificate: SecureContext | null;
  /** The time from accepting a connection until its protocol is known. */
  readonly limitMs: number;
  /** `served`: the socket of TLS, where it is spoken; nothing is read of it. */
  readonly begin: (served: Socket, version: HttpVersion) => void;
}

/** Finds out by its first bytes whether a client speaks TLS, and which HTTP. */
export function awaitHello(socket: Socket, options: HelloOptions): void {
  const deadline = setTimeout(() => socket.destroy(), options.limitMs);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    clearTimeout(deadline);
  });
  const begin = (served: Socket, version: HttpVersion): void => {
    clearTimeout(deadline);
    options.begin(served, version);
  };
  let read = Buffer.alloc(0);
  const look = (): void => {
    // Null: it ended.
    const piece: Buffer | null = socket.read();
    if (piece === null) {
      socket.destroy();
      return;
    }
    read = Buffer.concat([read, piece]);
    if (read.length < preface.length && preface.subarray(0, read.length).equals(read)) {
      socket.once('readable', look);
      return;
    }
    socket.unshift(read);
    if (read[0] === tlsHandshakeByte && options.certificate !== null) {
      answerTls(socket, options.certificate, begin);
    } else {
      begin(socket, read.subarray(0, preface.length).equals(preface) ? 2 : 1);
    }
  };
  socket.once('readable', look);
}

function answerTls(socket: Socket, certificate: SecureContext, begin: HelloOptions['begin']): void {
  const secured = new TLSSocket(socket, { isServer: true, secureContext: certificate, ALPNProtocols: ['h2', 'http/1.1'] });
  secured.once('secure', () => {
    // A TLS server of Node's own says so of its sockets; HTTP/2 waits for it.
    Object.assign(secured, { secureConnecting: false });
    begin(secured, secured.alpnProtocol === 'h2' ? 2 : 1);
  });
  secured.on('error', () => socket.destroy());
  secured.on('_tlsError', () => socket.destroy());
}
