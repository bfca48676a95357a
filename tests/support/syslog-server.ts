import { once } from 'node:events';
import { createServer, type TLSSocket } from 'node:tls';
import { freePort } from '../../cli/src/demo/free-port.ts';
import type { TestCertificate } from '../../gateway/src/wire/testdata/certificates.ts';

/** The head of a message: https://www.rfc-editor.org/rfc/rfc5424#section-6 */
const message = /^<(\d{1,3})>1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) - (.*)$/s;

export interface SyslogServer extends AsyncDisposable {
  readonly port: number;
  /** The texts of the messages that arrived, in order. */
  readonly texts: string[];
  /** Bytes that are no messages of RFC 5424 with their length before them. */
  readonly faults: string[];
  /** Cuts all connections, and refuses further ones until `open` is called. */
  readonly cut: () => Promise<void>;
  readonly open: () => Promise<void>;
}

/** A receiver of syslog over TLS that reads messages strictly by the lengths before them. */
export async function openSyslogServer({ certificate, key }: TestCertificate): Promise<SyslogServer> {
  const texts: string[] = [];
  const faults: string[] = [];
  const sockets = new Set<TLSSocket>();
  const hear = (socket: TLSSocket): void => {
    let rest: Buffer = Buffer.alloc(0);
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      for (;;) {
        const [head, length = ''] = /^([1-9]\d{0,8}) /.exec(rest.subarray(0, 10).toString('latin1')) ?? [];
        if (head === undefined) {
          if (rest.length >= 10) {
            faults.push(rest.toString());
            socket.destroy();
          }
          return;
        }
        const end = head.length + Number(length);
        if (rest.length < end) {
          return;
        }
        const text = rest.subarray(head.length, end).toString();
        const [, priority = '', , , , , , content] = message.exec(text) ?? [];
        if (content === undefined || Number(priority) > 191) {
          faults.push(text);
        } else {
          texts.push(content);
        }
        rest = rest.subarray(end);
      }
    });
  };
  const port = await freePort();
  let server = createServer({ cert: certificate, key }, hear).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const cut = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) {
      socket.destroy();
    }
    await closed;
  };
  return {
    port,
    texts,
    faults,
    cut,
    open: async () => {
      server = createServer({ cert: certificate, key }, hear).listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    [Symbol.asyncDispose]: async () => {
      if (server.listening) {
        await cut();
      }
    },
  };
}
