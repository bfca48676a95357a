import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { after, before, test } from 'node:test';
import { SMTPServer } from 'smtp-server';
import type { MailSink } from '../domain/sink.ts';
import { makeCertificate } from '../wire/testdata/certificates.ts';
import { portOf } from '../wire/testdata/sockets.ts';
import { sendMail } from './send-mail.ts';

interface Mail {
  readonly to: readonly string[];
  readonly source: string;
}

const { certificate, certificateFile, key } = makeCertificate();
const mails: Mail[] = [];
let isFull = false;
const open = (options: { readonly secure: boolean; readonly disabledCommands?: string[] }): SMTPServer =>
  new SMTPServer({
    ...options,
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
        mails.push({ to: envelope.rcptTo.map(({ address }) => address), source });
        callback(isFull ? Object.assign(new Error('private words'), { responseCode: 452 }) : null);
      });
    },
  });
const servers = [open({ secure: true }), open({ secure: false }), open({ secure: false, disabledCommands: ['STARTTLS'] })];
const ports: number[] = [];
before(async () => {
  for (const server of servers) {
    const listening: Server = server.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    ports.push(portOf(listening));
  }
});
after(() => {
  for (const server of servers) {
    server.close();
  }
});

const sinkOf = (url: string, password = 'open'): MailSink => ({
  kind: 'smtp',
  name: 'mail',
  text: false,
  caFile: certificateFile,
  url,
  from: 'gate@corp.example',
  to: ['ann@corp.example', 'bob@corp.example'],
  secret: () => password,
});
const mail = { id: 'msg_1', body: JSON.stringify({ subject: 'high alert denied-burst: principal=böt\r\nBcc: eve@corp.example', text: 'first\nsecond' }) };

test('C30: a mail goes to all receivers over TLS, and a name in it adds no head', async () => {
  for (const url of [`smtps://gate@localhost:${ports[0]}`, `smtp://gate@localhost:${ports[1]}`]) {
    mails.length = 0;
    assert.deepEqual(await sendMail(sinkOf(url), mail), { status: 250, retryMs: null });
    const [{ to, source } = assert.fail()] = mails;
    assert.deepEqual(to, ['ann@corp.example', 'bob@corp.example']);
    assert.match(source, /^Message-ID: <msg_1@countersign>\r$/im);
    assert.doesNotMatch(source, /^Bcc:/im);
    assert.match(source, /first\r?\nsecond/);
  }
});

test('a server that is full, a wrong password, and one without TLS are failures that say nothing of the mail or the password', async () => {
  isFull = true;
  await assert.rejects(sendMail(sinkOf(`smtps://gate@localhost:${ports[0]}`), mail), {
    code: 'target_unreachable',
    message: /takes? the mail: it answers 452\.$/,
  });
  isFull = false;
  mails.length = 0;
  await assert.rejects(sendMail(sinkOf(`smtps://gate@localhost:${ports[0]}`, 'secret'), mail), (error) => !String(error).includes('secret'));
  await assert.rejects(sendMail(sinkOf(`smtp://gate@localhost:${ports[2]}`), mail), { code: 'target_unreachable' });
  await assert.rejects(sendMail(sinkOf('smtps://gate@169.254.169.254:465'), mail), { message: /link-local/ });
  assert.equal(mails.length, 0);
});
