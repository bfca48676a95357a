import { once } from 'node:events';
import type { Server } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';
import type { TestCertificate } from '../../gateway/src/wire/testdata/certificates.ts';

interface Mail {
  readonly to: readonly string[];
  /** The mail as it was sent: head and text. */
  readonly source: string;
}

export interface MailServer extends AsyncDisposable {
  readonly port: number;
  readonly mails: Mail[];
  /** True: it takes no mail for now. */
  isFull: boolean;
}

/** A mail server for the user `gate` with the password `open`. `tls`: from the first byte, by STARTTLS, or not at all. */
export async function openMailServer({ certificate, key }: TestCertificate, tls: 'first' | 'later' | 'none'): Promise<MailServer> {
  const opened = { mails: [] as Mail[], isFull: false };
  const server = new SMTPServer({
    secure: tls === 'first',
    ...(tls === 'none' ? { disabledCommands: ['STARTTLS'] } : {}),
    key,
    cert: certificate,
    authMethods: ['PLAIN', 'LOGIN'],
    logger: false,
    onAuth: ({ username, password }, _session, callback) => {
      callback(username === 'gate' && password === 'open' ? null : new Error('no'), { user: username });
    },
    onData: (stream, { envelope }, callback) => {
      let source = '';
      stream.setEncoding('utf8');
      stream.on('data', (piece: string) => {
        source += piece;
      });
      stream.on('end', () => {
        opened.mails.push({ to: envelope.rcptTo.map(({ address }) => address), source });
        callback(opened.isFull ? Object.assign(new Error('private words'), { responseCode: 452 }) : null);
      });
    },
  });
  // A client that is killed resets its connection.
  server.on('error', () => undefined);
  const listening: Server = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return Object.assign(opened, {
    port: portOf(listening),
    [Symbol.asyncDispose]: async () =>
      new Promise<void>((resolve) => {
        server.close(resolve);
      }),
  });
}
