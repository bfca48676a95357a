/**
 * An agent whose requests differ in each run in everything that may differ: times, random values, the names that drivers make up, ids of requests. It reads the
 * environment of a run and prints all answers. `ASKS` makes it ask something else.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import OpenAI from 'openai';
import pg from 'pg';
import postgres from 'postgres';

const { TOOLS_URL = '', FEED_URL = '', COUNTERSIGN_TOKEN = '', TRACEPARENT = '', ASKS = '' } = process.env;
const authorization = `Bearer ${COUNTERSIGN_TOKEN}`;
const exitCode = 3;

if (ASKS === 'until it is refused') {
  await askUntilRefused();
} else if (ASKS === 'http') {
  await useHttp();
} else {
  await askModel();
  await useTools();
  await useNodePostgres();
  await usePostgresJs();
  await usePsql();
  await useHttp();
}
process.exitCode = exitCode;

/** Asks for a stream with tool calls, and then for a stream that it leaves. */
async function askModel(): Promise<void> {
  const model = new OpenAI({ defaultHeaders: { 'x-run': randomUUID() } });
  const conversation = randomUUID();
  const asked = { model: 'sample-1', prompt_cache_key: conversation, stream: true } as const;
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: ASKS === 'model' ? 'Where is her order?' : 'Where is my order?' }];
  for (const result of ['', '[{"id":7}]', 'sent', 'The parcel left Dover.']) {
    if (result !== '') {
      messages.push({ role: 'tool', tool_call_id: `call ${conversation} ${messages.length}`, content: result });
    }
    const said: unknown[] = [];
    for await (const chunk of await model.chat.completions.create({ ...asked, messages })) {
      said.push([chunk.created, chunk.choices[0]?.delta]);
    }
    print('model', said);
  }
  for await (const chunk of await model.chat.completions.create({ ...asked, messages })) {
    print('left after', chunk);
    break;
  }
}

async function useTools(): Promise<void> {
  for (const mode of ['legacy', 'auto'] as const) {
    const client = new Client({ name: `agent ${randomUUID()}`, version: '1' }, { versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(new URL(TOOLS_URL), { requestInit: { headers: { authorization } } }));
    print('tools', await client.listTools());
    for (const order of [101, 7, 101]) {
      print('tool', await client.callTool({ name: 'track_parcel', arguments: { order } }, { onprogress: () => undefined }));
    }
    await client.close();
  }
  // The id is different in each run, and must come back unchanged.
  const id = randomUUID();
  const answer = await fetch(TOOLS_URL, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method: 'initialize',
      params: { clientInfo: { version: '1', name: id }, capabilities: {}, protocolVersion: '2025-06-18' },
    }),
  });
  const said = await answer.text();
  print('tool by hand', [said.includes(id), said.replace(id, '')]);
}

async function useNodePostgres(): Promise<void> {
  const client = new pg.Client();
  await client.connect();
  print('simple', (await client.query('select now(), random(), pg_backend_pid()')).rows);
  print('traced', (await client.query(`select random() /*traceparent='${TRACEPARENT}'*/`)).rows);
  for (const n of [1, 2, 1]) {
    print('named', (await client.query({ name: `statement ${randomUUID()}`, text: 'select $1::int as n, random()', values: [n] })).rows);
  }
  await client.query('begin');
  print('failed', await client.query('select 1 / 0').catch((error: unknown) => String(error)));
  print('aborted', await client.query('select 1').catch((error: unknown) => String(error)));
  await client.query('rollback');
  print('many', (await client.query("select i, repeat('x', 500) from generate_series(1, 3000) as i")).rows);
  await client.end();
}

async function askUntilRefused(): Promise<void> {
  const client = new pg.Client();
  await client.connect();
  // The refusal may come between two queries.
  const ended = once(client, 'error').then(([error]) => String(error));
  for (let isRefused = false; !isRefused;) {
    const said = await Promise.race([
      ended,
      client.query('select random()').then(
        ({ rows }) => rows,
        (error: unknown) => String(error),
      ),
    ]);
    isRefused = typeof said === 'string';
    print('asked', said);
  }
  await client.end();
}

/** Uses a driver that sends requests in a pipeline and makes up the names of its statements. */
async function usePostgresJs(): Promise<void> {
  const sql = postgres({ host: process.env['PGHOST'] ?? '', port: Number(process.env['PGPORT']), max: 1, onnotice: () => undefined });
  const asked = [1, 2, 3].map(async (n) => sql`select ${n}::int as n, random()`);
  print('pipelined', await Promise.all([...asked, sql`select 1 / ${0}::int`.catch((error: unknown) => String(error)), sql`select clock_timestamp()`]));
  print(
    'transaction',
    await sql.begin(async (inside) => [await inside`create temp table t (n int)`, await inside`insert into t values (4) returning n, random()`]),
  );
  print('fetched', await sql`select i, random() from generate_series(1, 30) as i`.cursor(12, (rows) => print('rows', rows)));
  await sql.end();
}

async function usePsql(): Promise<void> {
  const script = String.raw`create temp table lines (n int, line text);
\copy lines from program 'seq 5000 | sed "s/$/\tline/"'
\copy (select count(*), sum(n), random() from lines) to stdout
select current_timestamp;`;
  const psql = promisify(execFile)('psql', ['-XAt', '-v', 'ON_ERROR_STOP=1']);
  psql.child.stdin?.end(script);
  print('psql', (await psql).stdout);
}

async function useHttp(): Promise<void> {
  const headers = { authorization, 'x-request-id': randomUUID(), date: new Date().toUTCString() };
  for (const path of ['/items?of=ada&page=2', '/items?of=ada&page=2', '/missing']) {
    const answer = await fetch(FEED_URL + path, { headers });
    print(path, [
      answer.status,
      Object.fromEntries([...answer.headers].filter(([name]) => !/^(countersign-record|connection|keep-alive)$/.test(name))),
      await answer.text(),
    ]);
  }
  const item = Math.random() < 0.5 ? '{"name":"ada","tags":[1,1.0,12345678901234567890]}' : '{ "tags": [1, 1.0, 12345678901234567890], "name": "ada" }';
  print('json', await (await fetch(`${FEED_URL}/items`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: item })).text());
  const form = new FormData();
  form.set('file', new Blob(['a'.repeat(200_000)]), 'a.txt');
  print('form', await (await fetch(`${FEED_URL}/files`, { method: 'POST', headers, body: form })).text());
  print('head', (await fetch(`${FEED_URL}/items`, { method: 'HEAD', headers })).status);
  if (ASKS === 'http') {
    print('more', (await fetch(`${FEED_URL}/items?of=grace`, { headers })).status);
  }
}

function print(what: string, value: unknown): void {
  console.log(`${what}: ${JSON.stringify(value)}`);
}
