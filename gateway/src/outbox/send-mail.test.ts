import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type TLSSocket } from 'node:tls';
import { after, before, test } from 'node:test';
import { openMailServer, type MailServer } from '../../../tests/support/mail-server.ts';
import type { MailSink } from '../domain/sink.ts';
import { makeCertificate } from '../wire/testdata/certificates.ts';
import { portOf } from '../wire/testdata/sockets.ts';
import { sendMail } from './send-mail.ts';

const certificate = makeCertificate();
let secure: MailServer;
let starting: MailServer;
let plain: MailServer;
before(async () => {
  [secure, starting, plain] = await Promise.all([
    openMailServer(certificate, 'first'),
    openMailServer(certificate, 'later'),
    openMailServer(certificate, 'none'),
  ]);
});
after(async () => {
  await Promise.all([secure, starting, plain].map(async (server) => server[Symbol.asyncDispose]()));
});

const sinkOf = (url: string, password = 'open'): MailSink => ({
  kind: 'smtp',
  name: 'mail',
  text: false,
  caFile: certificate.certificateFile,
  url,
  from: 'gate@corp.example',
  to: ['ann@corp.example', 'bob@corp.example'],
  secret: () => password,
});
const { signal } = new AbortController();
const mail = {
  signal,
  id: 'msg_1',
  body: JSON.stringify({ subject: 'high alert denied-burst: principal=böt\r\nBcc: eve@corp.example', text: 'first\nsecond' }),
};

test('C30: a mail goes to all receivers over TLS, and a name in it adds no head', async () => {
  for (const [server, url] of [
    [secure, `smtps://gate@localhost:${secure.port}`],
    [starting, `smtp://gate@localhost:${starting.port}`],
  ] as const) {
    assert.deepEqual(await sendMail(sinkOf(url), mail), { status: 250, retryMs: null });
    const [{ to, source } = assert.fail()] = server.mails;
    assert.deepEqual(to, ['ann@corp.example', 'bob@corp.example']);
    assert.match(source, /^Message-ID: <msg_1@countersign>\r$/im);
    assert.doesNotMatch(source, /^Bcc:/im);
    assert.match(source, /first\r?\nsecond/);
  }
});

test('a server that is full, a wrong password, and one without TLS are failures that say nothing of the mail or the password', async () => {
  secure.isFull = true;
  await assert.rejects(sendMail(sinkOf(`smtps://gate@localhost:${secure.port}`), mail), {
    code: 'target_unreachable',
    message: /takes? the mail: it answers 452\.$/,
  });
  secure.isFull = false;
  secure.mails.length = 0;
  await assert.rejects(sendMail(sinkOf(`smtps://gate@localhost:${secure.port}`, 'secret'), mail), (error) => !String(error).includes('secret'));
  await assert.rejects(sendMail(sinkOf(`smtp://gate@localhost:${plain.port}`), mail), { code: 'target_unreachable' });
  await assert.rejects(sendMail(sinkOf('smtps://gate@169.254.169.254:465'), mail), { message: /link-local/ });
  assert.equal(secure.mails.length + plain.mails.length, 0);
});

test('a server that says a little again and again, and never takes the mail, is left, and at once when the gateway ends', async () => {
  const server = createServer({ key: certificate.key, cert: certificate.certificate }, (socket: TLSSocket) => {
    socket.on('error', () => undefined).write('220 hello\r\n');
    socket.once('data', () => {
      const talking = setInterval(() => socket.write('250-still here\r\n'), 10);
      socket.once('close', () => {
        clearInterval(talking);
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sink = sinkOf(`smtps://gate@localhost:${portOf(server)}`);
  await assert.rejects(sendMail(sink, mail, 200), { code: 'target_unreachable' });
  const leaving = new AbortController();
  server.once('secureConnection', (socket: TLSSocket) => socket.once('data', () => leaving.abort(new Error('the gateway ends'))));
  await assert.rejects(sendMail(sink, { ...mail, signal: leaving.signal }), /the gateway ends/);
  server.close();
});
