import type { Socket } from 'node:net';
import { answerTls, type ServerTls } from '../wire/server-tls.ts';

const tlsHandshakeByte = 0x16;
/** The first bytes of a client that speaks HTTP/2 without negotiating it (RFC 9113, 3.4). No method of HTTP/1.1 begins with them. */
const preface = Buffer.from('PRI');

export type HttpVersion = 1 | 2;

export interface HelloOptions {
  /** With a certificate, a client that begins with TLS is answered in TLS. */
  readonly certificate: ServerTls | null;
  /** The longest time in ms from accepting a connection until its protocol is known. */
  readonly limitMs: number;
  /** Called with the socket to serve: that of TLS if the client speaks TLS. Nothing was read from it. */
  readonly begin: (served: Socket, version: HttpVersion) => void;
}

/** Finds out from the first bytes of a client whether it speaks TLS, and which version of HTTP. */
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
    // Null means that the client closed the connection.
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
      beginTls(socket, options.certificate, begin);
    } else {
      begin(socket, read.subarray(0, preface.length).equals(preface) ? 2 : 1);
    }
  };
  socket.once('readable', look);
}

function beginTls(socket: Socket, certificate: ServerTls, begin: HelloOptions['begin']): void {
  const secured = answerTls(socket, certificate, ['h2', 'http/1.1']);
  secured.once('secure', () => {
    // Node's own TLS server sets this on its sockets, and the HTTP/2 server waits for it.
    Object.assign(secured, { secureConnecting: false });
    begin(secured, secured.alpnProtocol === 'h2' ? 2 : 1);
  });
  secured.on('error', () => socket.destroy());
  secured.on('_tlsError', () => socket.destroy());
}
