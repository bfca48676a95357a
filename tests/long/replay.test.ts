import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { openSampleModel } from '../../cli/src/demo/sample-model.ts';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { openSampleTools } from '../../cli/src/demo/sample-tools.ts';
import type { CliResult } from '../support/gateway-process.ts';
import { requireProgram } from '../support/require-program.ts';
import { openShop, type Shop } from '../support/shop.ts';

const agent = join(import.meta.dirname, '..', 'support', 'replayed-agent.ts');

/** Each answer is another one. */
async function openFeed(): Promise<SampleServer> {
  let asked = 0;
  return openServer(async (request, response) => {
    const body = await buffer(request);
    asked += 1;
    const answer = gzipSync(`${request.method} ${request.url} ${asked} ${Math.random()} ${body.length}`);
    response.writeHead(request.url === '/missing' ? 404 : 200, { 'content-type': 'text/plain', 'content-encoding': 'gzip', etag: `"${asked}"` });
    response.end(request.method === 'HEAD' ? undefined : answer);
  });
}

describe('session replay --serve', requireProgram('psql'), () => {
  let shop: Shop;
  let session: string;
  let recorded: CliResult;
  let directory: string;
  let refused: { readonly session: string; readonly result: CliResult };
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-replay-test-'));
    const [model, tools, feed] = await Promise.all([openSampleModel(), openSampleTools(), openFeed()]);
    shop = await openShop();
    const config = (granted: string): string => `targets:
  shop: { url: "${shop.database.url}", password: { env: SHOP_PASSWORD }, durability: process }
  model: { protocol: llm, url: "${model.url}/base", durability: process }
  tools: { protocol: mcp, url: "${tools.url}", durability: process }
  feed: { url: "${feed.url}", durability: process }
  unused: { url: "${feed.url}" }
principals:
  agent: { kind: agent, targets: [${granted}] }
`;
    shop.gateway.configure(config('shop, model, tools, feed, unused'));
    await shop.gateway.signal('SIGTERM');
    await shop.gateway.start();
    recorded = await cli('run', '--as', 'agent', '--', process.execPath, agent);
    assert.equal(recorded.status, 3, recorded.stderr);
    ({ session } = await shop.gateway.newest());
    refused = await recordRefusal(config('model'));
    // From here on there is nobody who could answer but the recording.
    await Promise.all([model, tools, feed, shop.database].map(async (server) => server[Symbol.asyncDispose]()));
  });
  after(async () => {
    await shop.gateway[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const cliWith = async (environment: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<CliResult> => {
    const child = shop.gateway.spawnCli(words, environment);
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { status, stdout, stderr };
  };
  const cli = async (...words: readonly string[]): Promise<CliResult> => cliWith({}, ...words);
  /** A run whose target is taken away from it. */
  const recordRefusal = async (config: string): Promise<typeof refused> => {
    const child = shop.gateway.spawnCli(['run', '--as', 'agent', '--', process.execPath, agent], { ASKS: 'until it is refused' });
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    await once(child.stdout, 'data');
    shop.gateway.configure(config);
    const [stdout, stderr, [status]] = await ended;
    return { session: (await shop.gateway.newest()).session, result: { status, stdout, stderr } };
  };
  const inAgent = (...words: readonly string[]): readonly string[] => ['session', 'replay', ...words, '--serve', '--', process.execPath, agent];

  test('T4.26: the program of a run is run again with the recording in the place of all targets: byte for byte the same', async () => {
    const again = await cli(...inAgent(session));
    assert.deepEqual(again, recorded);
    assert.ok(recorded.stdout.length > 100_000);
    const accesses = (await shop.gateway.sessions('all')).map(async (one) => shop.gateway.records(one.session));
    const seen = (await Promise.all(accesses))
      .flat()
      .filter(({ kind, attributes }) => kind === 'access' && attributes['countersign.access.session'] === session);
    assert.ok(
      seen.some(({ attributes }) => attributes['countersign.access.what'] === 'export'),
      'who read it is recorded',
    );
  });

  test('a request that was refused is refused in the same words', async () => {
    assert.match(refused.result.stdout, /asked: "error: countersign: .* \(session [0-9a-f]{32}\)"\n$/);
    assert.deepEqual(await cliWith({ ASKS: 'until it is refused' }, ...inAgent(refused.session)), refused.result);
  });

  test('T4.26: a request that was not recorded is not found, and is named beside the nearest one', async () => {
    const script = 'psql -XAtc "select now()" -c "select 1 as one\u001b[2J"; echo "exit $?"';
    const [asked, more, sql] = await Promise.all([
      cliWith({ ASKS: 'model' }, ...inAgent(session)),
      cliWith({ ASKS: 'http' }, ...inAgent(session)),
      cli('session', 'replay', session, '--serve', '--', 'sh', '-c', script),
    ]);
    assert.equal(asked.status, 1);
    assert.match(asked.stderr, /countersign: not answered: llm\.chat model: it was not recorded\n {4}user: Where is her order\?/);
    assert.match(
      asked.stderr,
      /nearest is request #\d+, which differs at body\.messages\[0\]\.content:\n {6}recorded: "Where is my order\?"\n {6}asked: {4}"Where is her order\?"\n/,
    );
    assert.match(asked.stderr, /NotFoundError: 404 countersign: The recording has no answer to this request/);
    assert.ok(!asked.stdout.includes('model'));
    assert.equal(more.status, 1);
    assert.equal(more.stdout, `${recorded.stdout.slice(recorded.stdout.indexOf('/items'))}more: 404\n`);
    assert.match(
      more.stderr,
      /^countersign: not answered: http\.request feed: .*\n {4}GET \/items\?of=grace\n(?: {4}[\w-]+: .*\n)* {4}nearest is request #\d+, which differs at path:\n {6}recorded: \/items\?of=ada&page=2\n {6}asked: {4}\/items\?of=grace\n/,
    );
    assert.equal(sql.status, 1);
    assert.equal(sql.stdout, 'exit 2\n');
    assert.match(sql.stderr, /countersign: not answered: postgres\.query shop: .*\n {4}select now\(\)\n/);
    assert.match(
      sql.stderr,
      / {4}nearest is request #\d+, which differs at messages\[0\]\.query:\n {6}recorded: "select now\(\), random\(\), pg_backend_pid\(\)"\n {6}asked: {4}"select now\(\)"\n/,
    );
    assert.match(sql.stderr, /FATAL: {2}countersign: The recording has no answer/);
    assert.ok(!sql.stderr.includes('\u001B'));
  });

  test('without a command: the environment is printed; who does not have the token is not let in, and each answer is given once', async () => {
    const child = shop.gateway.spawnCli(['session', 'replay', refused.session, '--serve']);
    const stderr = text(child.stderr);
    const exited = once(child, 'exit');
    const environment = Object.fromEntries(
      [...(await readUntil(child.stdout, /TRACEPARENT=.*\n/)).matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
    );
    const { PGHOST, PGPORT, PGPASSWORD, FEED_URL = '', COUNTERSIGN_URL = '' } = environment;
    const connect = async (password: string | undefined): Promise<pg.Client> => {
      const client = new pg.Client({ host: PGHOST, port: Number(PGPORT), password, user: 'anybody', database: 'shop' });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    };
    await assert.rejects(connect('cs_another'), /the token is not that of this replay/i);
    assert.equal((await fetch(FEED_URL, { headers: { authorization: 'Bearer cs_another' } })).status, 401);
    assert.equal((await fetch(`${COUNTERSIGN_URL}/api/v1/runs`, { method: 'POST' })).status, 404, 'there are no runs in it');
    const client = await connect(PGPASSWORD);
    const ask = async (): Promise<string> =>
      client.query('select random()').then(
        ({ rows }) => `asked: ${JSON.stringify(rows)}\n`,
        (error: unknown) => `asked: ${JSON.stringify(String(error))}\n`,
      );
    for (const line of refused.result.stdout.split(/(?<=\n)/)) {
      assert.equal(await ask(), line);
    }
    await assert.rejects(connect(PGPASSWORD), /The recording has no answer to this request: it was not recorded as often/);
    child.kill('SIGINT');
    assert.deepEqual(await exited, [1, null]);
    assert.match(await stderr, /not answered: postgres\.connect shop: it was not recorded as often\n/);
  });

  test('without the gateway, from its files and from a bundle; what does not verify is not served', async () => {
    await shop.gateway.signal('SIGTERM');
    const bundle = join(directory, 'session.bundle');
    const [again] = await Promise.all([cli(...inAgent(session, '--data', shop.gateway.data)), cli('session', 'export', refused.session, '--out', bundle)]);
    assert.deepEqual(again, recorded, 'by the directory');
    const key = join(shop.gateway.data, 'log', 'key');
    assert.equal((await cliWith({ ASKS: 'until it is refused' }, ...inAgent(bundle, '--key', key))).stdout, refused.result.stdout, 'by the bundle');

    const refuse = async (what: RegExp, ...words: readonly string[]): Promise<void> => {
      const { status, stdout, stderr } = await cli('session', 'replay', ...words, '--serve', '--', 'echo', 'it runs');
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, what);
    };
    const lines = readFileSync(bundle, 'utf8');
    const forged = join(directory, 'forged.bundle');
    writeFileSync(
      forged,
      lines.replace(/("content":{"salt":"[^"]*","plain":")(.)/, (_, lead, first) => lead + (first === 'A' ? 'B' : 'A')),
    );
    const copy = join(directory, 'data');
    cpSync(shop.gateway.data, copy, { recursive: true });
    const inCopy = (name: string): string => join(copy, 'journal', name);
    const id = Buffer.from(session, 'hex');
    const segment = inCopy(readdirSync(join(copy, 'journal')).find((name) => readFileSync(inCopy(name)).includes(id)) ?? '');
    const bytes = readFileSync(segment);
    // The time in its last leaf.
    const time = bytes.lastIndexOf(id) + 31;
    bytes.writeUInt8(bytes.readUInt8(time) ^ 1, time);
    writeFileSync(segment, bytes);
    const [, , usage] = await Promise.all([
      refuse(/does not hold.*integrity/, forged),
      refuse(/is damaged in \d{12}\.segment at offset \d+/, session, '--data', copy),
      cli('session', 'replay', session, '--', 'true'),
    ]);
    assert.equal(usage.status, 2, 'a command needs --serve');
  });
});

/** Up to the end of the line in which this is. */
async function readUntil(stream: NodeJS.ReadableStream, last: RegExp): Promise<string> {
  let said = '';
  while (!last.test(said)) {
    const [piece] = await once(stream, 'data');
    said += String(piece);
  }
  return said;
}
