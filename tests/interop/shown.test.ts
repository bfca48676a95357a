import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';

const streamFile = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'protocols', 'llm', 'testdata', 'openai-chat-stream.txt');

describe('what a person reads of a session with a database', requireProgram('psql'), () => {
  let shop: Shop;
  let session: string;
  const show = (...words: readonly string[]): string => {
    const { status, stdout, stderr } = shop.gateway.command(['session', 'show', session, ...words]);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  before(async () => {
    shop = await openShop();
    assert.equal((await psql(shop.through, ['-c', 'select 1 as one'])).status, 0);
    ({ session } = await shop.gateway.newest());
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  test('T4.34: the parameters of a connection are one line with their count, and all of them where they are asked for', () => {
    const folded = show();
    assert.match(folded, /← response shop .*\n {4}\d{2} parameters of the connection, server_version = \d.* …: --full\n.*→ postgres\.query/);
    assert.doesNotMatch(folded, /DateStyle/);
    assert.match(show('--brief'), /← shop \d{2} parameters of the connection, server_version/);
    for (const whole of [show('--full'), show('--grep', 'datestyle'), show('--json')]) {
      assert.match(whole, /DateStyle = ISO, MDY/);
    }
  });

  test('T4.34: --grep that finds nothing says so, and exits with 1', () => {
    for (const words of [[], ['--json'], ['--brief'], ['--full']]) {
      const { status, stdout, stderr } = shop.gateway.command(['session', 'show', session, '--grep', 'no-such-words', ...words]);
      assert.deepEqual([status, stdout, stderr], [1, '', 'countersign: no record has this text\n']);
    }
    assert.match(show('--grep', 'SELECT 1 as'), /select 1 as one/);
  });

  test('a record is shown by its own name, as alerts, exports and answers over HTTP have it', () => {
    const asked = shop.gateway.rows<ShownRecord>(['session', 'show', session]).find(({ action }) => action === 'postgres.query') ?? assert.fail();
    for (const name of [asked.record, `${session.slice(0, 8)}#${asked.seq}`]) {
      const { status, stdout, stderr } = shop.gateway.command(['session', 'show', name]);
      assert.equal(status, 0, stderr);
      assert.match(stdout, new RegExp(`^session ${session}\\n\\S+ \\S+ +1 → postgres\\.query shop .* #${asked.seq}\\n    select 1 as one\\n$`));
    }
    assert.deepEqual(shop.gateway.rows(['session', 'show', asked.record]), [asked]);
    const { status, stderr } = shop.gateway.command(['session', 'show', asked.record, '--no-content']);
    assert.equal(status, 2);
    assert.match(stderr, /does not go with a record/);
  });

  test('T4.34: a refused login is shown as a sentence: who, what, from where', async () => {
    assert.equal((await psql({ ...shop.through, PGUSER: 'eve', PGPASSWORD: 'wrong' }, ['-c', 'select 1'])).status, 2);
    const own = (await shop.gateway.sessions('all')).find(({ principal, targets }) => principal === null && targets.length === 0);
    const { stdout } = shop.gateway.command(['session', 'show', own?.session ?? '', '--kind', 'decision']);
    assert.match(stdout, /\? gateway\.authenticate deny .*\n {4}a login was refused: from 127\.0\.0\.1 over postgres to shop as eve\n/);
    const { stdout: access } = shop.gateway.command(['session', 'show', own?.session ?? '', '--kind', 'access']);
    assert.match(access, new RegExp(`read session ${session}: `));
  });
});

test('T4.34: an answer that was streamed is one text with its time span, followed or read later, and each piece where it is asked for', async () => {
  const events = readFileSync(streamFile, 'utf8').split(/(?<=\n\n)/);
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  await using server = await openServer(async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(events.slice(0, 3).join(''));
    await begun;
    response.end(events.slice(3).join(''));
  });
  await using gateway = await GatewayProcess.start({
    config: `targets:
  openai: { protocol: llm, url: "${server.url}", durability: process }
principals:
  agent: { kind: agent, targets: [openai] }
`,
  });
  const openai = new OpenAI({ baseURL: `http://127.0.0.1:${gateway.port('http')}/t/openai/v1`, apiKey: await gateway.issueToken('agent'), maxRetries: 0 });
  const stream = await openai.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Weather?' }], stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    begin();
  }
  const { session } = await gateway.newest();
  const records = await gateway.records(session);
  const pieces = records.filter(({ kind, attributes }) => kind === 'response' && attributes['countersign.request'] !== undefined);
  const [first, last] = [pieces[0], pieces.at(-1)];
  assert.ok(first !== undefined && last !== undefined && pieces.length > 1);
  const spanMs = Date.parse(last.time) - Date.parse(first.time);
  const whole = new RegExp(
    String.raw`${first.time.replace('T', ' ')} … \+${spanMs} ms .*← response openai .*served=gpt-4o\S* .*tokens_out=\d+ .*#${first.seq}–#${last.seq} in ${pieces.length} records.*\n(    .*\n)* {4}tool call get_weather\(.*\n(    .*\n)* {4}finished: tool_calls\n`,
  );
  const answersIn = (stdout: string): number => stdout.match(/← response/g)?.length ?? 0;
  const shown = gateway.command(['session', 'show', session, '--kind', 'response']).stdout;
  assert.match(shown, whole);
  assert.equal(answersIn(shown), 1);
  assert.equal(answersIn(gateway.command(['session', 'show', session, '--kind', 'response', '--each']).stdout), pieces.length);
  assert.equal(gateway.command(['session', 'show', session, '--kind', 'response', '--json']).stdout.trim().split('\n').length, pieces.length);
  assert.equal(answersIn(gateway.command(['session', 'replay', session, '--no-wait', '--kind', 'response']).stdout), 1);
  const watch = gateway.spawnCli(['session', 'watch', session, '--kind', 'response']);
  let watched = '';
  watch.stdout.on('data', (bytes: Buffer) => {
    watched += bytes.toString();
    if (watched.includes('finished: tool_calls\n')) {
      watch.kill('SIGINT');
    }
  });
  await once(watch, 'close');
  assert.equal(watched, shown);
});

test('T4.34: diff marks what changed in an answer over HTTP, and takes no other date, id or cookie for a change', async () => {
  let stock = 3;
  await using server = await openServer(async (request, response) => {
    const body = request.url === '/stock' ? { ware: 'lamp', stock } : { ware: 'lamp' };
    const momentary = { date: new Date(Date.UTC(2026, 0, stock)).toUTCString(), 'x-request-id': randomUUID(), 'set-cookie': `seen=${randomUUID()}; path=/` };
    response.writeHead(200, { 'content-type': 'application/json', ...momentary }).end(JSON.stringify(body));
    await Promise.resolve();
  });
  await using gateway = await GatewayProcess.start({
    config: `targets:
  api: { protocol: http, url: "${server.url}", durability: process }
principals:
  agent: { kind: agent, targets: [api] }
`,
  });
  const run = async (): Promise<string> => {
    const authorization = `Bearer ${await gateway.issueToken('agent')}`;
    for (const path of ['/ware', '/stock']) {
      await (await fetch(`http://127.0.0.1:${gateway.port('http')}/t/api${path}`, { headers: { authorization } })).text();
    }
    return (await gateway.newest()).session;
  };
  const first = await run();
  stock = 2;
  const { status, stdout } = gateway.command(['session', 'diff', first, await run()]);
  assert.equal(status, 1);
  assert.match(stdout, /^the first request and its answer are the same\n/);
  assert.deepEqual(stdout.match(/^[-+].*$/gm), ['-     {"ware":"lamp","stock":3}', '+     {"ware":"lamp","stock":2}']);
});
