import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import pg from 'pg';
import { WebSocket, WebSocketServer } from 'ws';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import type { TracedValue } from '../../gateway/src/feed/record-trace.ts';
import { simpleQuery } from '../../gateway/src/protocols/postgres/compose.ts';
import { message, Talk } from '../../gateway/src/protocols/postgres/testdata/talk.ts';
import { connectTo } from '../../gateway/src/wire/testdata/sockets.ts';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { filesHolding } from '../support/canary.ts';
import { textOf } from '../support/live-models.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

const address = 'grace.hopper91@example.com';
const other = 'ada.lovelace7c1a@example.com';
const policies = `@id("reads")
permit (principal in Group::"agents", action, resource) unless { resource == Target::"vault" };

@id("stays")
@reason("That is a customer's address.")
forbid (principal in Group::"agents", action, resource) when { resource.zone == "outside" && context.carries.contains("email") };

@id("health")
@reason("This run has read health data: it may not write to the outside.")
forbid (principal in Group::"agents", action, resource) when { resource.zone == "outside" && context.session.classes.contains("health") };
`;
const kept = `@id("facts")
@record("facts")
permit (principal in Group::"agents", action, resource == Target::"vault");

@id("asks")
@approval("clerks")
forbid (principal in Group::"agents", action, resource == Target::"slow") when { context.carries.contains("email") };

@id("people")
@approval("clerks")
forbid (principal in Group::"agents", action == Action::"http.request", resource) when { resource == Target::"desk" || resource == Target::"inner" };
`;
/** Policies that are tried on what was recorded. */
const candidates = `@id("reads")
permit (principal in Group::"agents", action, resource);

@id("keeps")
forbid (principal, action, resource == Target::"brain") when { context.carries.contains("shop/crm.customers.email") };

@id("outside")
forbid (principal, action, resource == Target::"mail") when { context.session.classes.contains("email") };
`;
const late = 'late.reader5d@example.com';
const chunk = (content: string): string => `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;
/** Answers that begin and do not come to their end, by their paths: the media type and the pieces. */
const unended: Readonly<Record<string, readonly [type: string, pieces: readonly string[]]>> = {
  '/': ['application/json', [`{"people": [{"mail": "${late}"}, `]],
  '/text': ['text/plain', [`to ${late}`]],
  '/json': ['application/json', [`{"said": "to ${late}`]],
  '/event': ['text/event-stream', ['data: first\n\n', `data: to ${late}`]],
  '/line': ['application/x-ndjson', ['{"said": 1}\n', `{"said": "to ${late}`]],
  '/v1/chat/completions': ['text/event-stream', [chunk('to '), chunk(late.slice(0, 9)), chunk(late.slice(9))]],
};
const setup = `create schema crm; create table crm.customers (id int, name text, email text, diagnosis text);
  insert into crm.customers values (1, 'Grace Hopper', '${address}', 'hay fever'), (2, 'Ada Lovelace', '${other}', 'a broken leg');`;

/** Why a request is denied in which nobody can look for values. */
const cannotLook = /nobody can look for values that the session saw/;

interface Sent {
  readonly target?: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly pieces?: readonly Buffer[];
}

function withLength(coding: string, body: Buffer): Readonly<Record<string, string>> {
  return { 'content-encoding': coding, 'content-length': String(body.length) };
}

function cutAt(bytes: Buffer, at: number): readonly Buffer[] {
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

/** Starts a server that says each message again over WebSocket. */
async function openEcho(parts: ReturnType<typeof suiteParts>): Promise<{ readonly port: number }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (client) => {
    client.on('message', (said) => {
      client.send(`echo of ${textOf(said)}`, { fin: !textOf(said).startsWith('begin') });
    });
  });
  await once(server, 'listening');
  parts.defer(() => {
    server.close();
    server.clients.forEach((client) => {
      client.terminate();
    });
  });
  const bound = server.address();
  return { port: bound === null || typeof bound === 'string' ? 0 : bound.port };
}

interface Run {
  readonly session: string;
  readonly token: string;
}

describe('values that are followed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-following-'));
  const parts = suiteParts();
  let shop: Shop;
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    const file = join(directory, 'following.cedar');
    writeFileSync(file, policies + kept);
    const open = async (answer: string) =>
      parts.use(
        await openServer(async (request, response) => {
          await text(request);
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(answer);
        }),
      );
    const model = await open(JSON.stringify({ id: 'c', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' } }] }));
    const inside = await open(`{"people": [{"phone": "+49 30 901820", "mail": "${address}"}]}`);
    const outside = await open('{}');
    const slow = parts.use(
      await openServer(async ({ url = '' }, response) => {
        const [type, pieces] = unended[url] ?? assert.fail(url);
        response.writeHead(200, { 'content-type': type });
        for (const piece of pieces) {
          response.write(piece);
        }
        await once(response, 'close');
      }),
    );
    const echo = await openEcho(parts);
    const targets = `  brain: { url: "${model.url}", protocol: llm, inspect: [email] }
  staff: { url: "${inside.url}", inspect: [email, phone] }
  files: { url: "${inside.url}", inspect: [email, health] }
  slow: { url: "${slow.url}", inspect: [email] }
  slowly: { url: "${slow.url}", protocol: llm, inspect: [email] }
  parts: { url: "http://127.0.0.1:${echo.port}", inspect: [email] }
  vault: { url: "${outside.url}" }
  notes: { url: "${outside.url}", inspect: [email, health] }
  socket: { url: "http://127.0.0.1:${echo.port}", tags: { zone: outside } }
  desk: { url: "${outside.url}", tags: { zone: outside } }
  inner: { url: "${outside.url}" }
  mail: { url: "${outside.url}", tags: { zone: outside } }\n`;
    const config = `policies: ${file}\nclasses: { health: { columns: ["shop/crm.customers.diagnosis"], fields: ["files:/people/*/phone", "notes:/patient"] } }\n`;
    shop = parts.use(
      await openShop({
        config,
        targets,
        options: ', inspect: [email, health]',
        granted: '[shop, brain, staff, files, notes, slow, slowly, parts, socket, desk, inner, mail]',
      }),
    );
    const made = await psql(shop.around, ['-c', setup]);
    assert.equal(made.status, 0, made.stderr);
  });

  const openRun = async (): Promise<Run> => {
    const made = await shop.gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent', command: 'agent' } });
    const { session, token }: Run = JSON.parse(await made.text());
    return { session, token };
  };
  const query = async (
    { token }: Run,
    ...statements: readonly (string | { readonly text: string; readonly values: unknown[] })[]
  ): Promise<readonly unknown[]> => {
    const client = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'agent', password: token, database: 'shop' });
    await client.connect();
    const rows: unknown[] = [];
    for (const statement of statements) {
      const { text: asked, values = [] } = typeof statement === 'string' ? { text: statement } : statement;
      rows.push(...(await client.query({ text: asked, values, rowMode: 'array' })).rows);
    }
    await client.end();
    return rows;
  };
  const send = async ({ token }: Run, target: string, body: string | object, path = ''): Promise<{ readonly status: number; readonly words: string }> => {
    const answer = await fetch(`http://127.0.0.1:${shop.gateway.port('http')}/t/${target}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: answer.status, words: await answer.text() };
  };
  /** Sends a request with the body in these pieces, one after the other. */
  const sendPieces = async (
    { token }: Run,
    { target = 'mail', path = '', method = 'POST', headers = {}, pieces = [] }: Sent,
  ): Promise<{ readonly status: number; readonly words: string }> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const url = `http://127.0.0.1:${shop.gateway.port('http')}/t/${target}${path}`;
    const asking = httpRequest(url, { method, headers: { authorization: `Bearer ${token}`, ...headers } }, resolve).on('error', reject);
    for (const piece of pieces) {
      asking.write(piece);
      await sleep(20);
    }
    asking.end();
    const answer = await promise;
    return { status: answer.statusCode ?? 0, words: await text(answer) };
  };
  const told = (records: readonly ShownRecord[], kind: string, name: string): readonly unknown[] =>
    records.filter((record) => record.kind === kind).flatMap(({ target, attributes }) => (attributes[name] === undefined ? [] : [[target, attributes[name]]]));

  test('a value that a query brought is known again in a prompt, and stopped on its way to the outside', async () => {
    const run = await openRun();
    assert.deepEqual(await query(run, 'select email from crm.customers where id = 1'), [[address]]);
    const prompt = { model: 'm', messages: [{ role: 'user', content: `Write to Grace.Hopper91@EXAMPLE.com about \u{1f600}` }] };
    assert.equal((await send(run, 'brain', prompt, '/v1/chat/completions')).status, 200);
    const { status, words } = await send(run, 'mail', `{"to": "${encodeURIComponent(address)}"}`);
    assert.deepEqual([status, words.includes("That is a customer's address.")], [403, true], words);
    assert.equal((await send(run, 'mail', '{"to": "somebody.else@example.com"}')).status, 200);
    const records = await shop.gateway.records(run.session);
    const found = records.find(({ kind, attributes }) => kind === 'response' && attributes['countersign.classes'] !== undefined);
    assert.deepEqual([found?.target, found?.attributes['countersign.classes']], ['shop', ['email']]);
    const source = 'shop/crm.customers.email';
    assert.deepEqual(told(records, 'request', 'countersign.carries'), [
      ['brain', ['email', source]],
      ['mail', ['email', source]],
    ]);
    const [[, carried] = []] = told(records, 'request', 'countersign.carried').map((each) => [each].flat());
    const [, print] = String(carried).split(' ');
    assert.deepEqual(String(carried).split(' '), ['email', print, found?.record, source]);
    assert.deepEqual(told(records, 'event', 'countersign.followed'), [['shop', [carried].flat()]]);
    assert.deepEqual(told(records, 'alert', 'countersign.leak'), [['brain', [`email ${source}`]]]);
    assert.deepEqual(filesHolding(shop.gateway.data, address), []);
    assert.equal(shop.gateway.verify().status, 0);
    const stopped = records.find(({ target, verdict }) => target === 'mail' && verdict === 'deny')?.record ?? '';
    const explained = shop.gateway.command(['policy', 'explain', stopped]);
    assert.match(explained.stdout, /deny {2}following\.cedar:stays\nreason +That is a customer's address/);
    const candidate = join(directory, 'candidate.cedar');
    writeFileSync(candidate, candidates);
    const tried = shop.gateway.rows<{ readonly target?: string; readonly policies?: readonly string[] }>(['policy', 'try', candidate]);
    assert.deepEqual(
      tried.flatMap(({ target, policies: by }) => (by === undefined ? [] : [[target, ...by]])),
      [
        ['brain', 'candidate.cedar:keeps'],
        ['mail', 'candidate.cedar:outside'],
      ],
    );
  });

  test('trace says where the values of a request came from and where those of an answer went, and the timeline links them', async () => {
    const run = await openRun();
    await query(run, 'select email from crm.customers order by id');
    const prompt = { model: 'm', messages: [{ role: 'user', content: `Write to ${address} and ${other}` }] };
    await send(run, 'brain', prompt, '/v1/chat/completions');
    await send(run, 'mail', `{"to": "${address}"}`);
    await send(run, 'staff', '{}');
    await send(run, 'staff', '{}');
    const records = await shop.gateway.records(run.session);
    const named = (kind: string, target: string): ShownRecord => records.findLast((each) => each.kind === kind && each.target === target) ?? assert.fail();
    const [rows, asked, stopped] = [
      records.find(({ attributes }) => attributes['countersign.classes'] !== undefined),
      named('request', 'brain'),
      named('request', 'mail'),
    ];
    const place = (record: ShownRecord | undefined, ...more: readonly string[]): string =>
      `${run.session.slice(0, 8)}#${record?.seq}  ${record?.time}  ${record?.target}  ${more.join('  ')}`;
    const came = `  ← ${place(rows, 'postgres.query')}`;
    const prompted = `  → ${place(asked, 'llm.chat', 'allow', 'grant:agent:brain,following.cedar:reads')}`;
    const mailed = place(stopped, 'http.request', 'deny', 'following.cedar:stays');
    const traced = (record: ShownRecord | undefined, ...words: readonly string[]): readonly string[] => {
      const { status, stdout, stderr } = shop.gateway.command(['trace', record?.record ?? '', ...words]);
      assert.equal(status, 0, stderr);
      assert.ok(!stdout.includes(address) && !stdout.includes('ada.lovelace'), stdout);
      return stdout.trimEnd().split('\n');
    };
    assert.deepEqual(traced(stopped), [mailed, 'email  1 value  shop/crm.customers.email', came, prompted, `  → ${mailed}`]);
    const [head, one = '', ...ofRows] = traced(rows);
    assert.deepEqual([head, ofRows[3]?.slice(0, -8)], [place(rows, 'response'), 'email  1 value  shop/crm.customers.email  ']);
    assert.match(one, /^email {2}1 value {2}shop\/crm\.customers\.email {2}[0-9a-f]{8}$/);
    assert.deepEqual(
      [ofRows.slice(0, 3), ofRows.slice(4)],
      [
        [came, prompted, `  → ${mailed}`],
        [came, prompted],
      ],
    );
    assert.deepEqual(traced(asked).toSorted(), [prompted.slice(4), ...traced(rows).slice(1)].toSorted(), 'each of the two came in the rows');
    assert.equal(traced(named('response', 'staff'))[1], 'It has values of email, phone, of which none came first in it or can be followed.');
    const [line = ''] = traced(stopped, '--json');
    const { print, ...value } = JSON.parse(line);
    const from = { record: rows?.record, session: run.session, seq: rows?.seq, time: rows?.time, target: 'shop', action: 'postgres.query' };
    const carriedBy = [asked, stopped].map(({ record, session, seq, time, target, action, verdict, policies: by }) => ({
      record,
      session,
      seq,
      time,
      target,
      action,
      verdict,
      policies: by,
    }));
    assert.deepEqual(value, { class: 'email', source: 'shop/crm.customers.email', from, carriedBy, carriersLeftOut: 0 });
    assert.match(print, /^[0-9a-f]{8}-23-[0-9a-f]{24}$/);
    assert.equal(shop.gateway.command(['trace', stopped.record, '--data', shop.gateway.data]).stdout.trimEnd(), traced(stopped).join('\n'));
    const bundle = join(directory, 'traced.bundle');
    assert.equal(shop.gateway.command(['session', 'export', run.session, '--out', bundle]).status, 0);
    for (const name of [stopped.record ?? '', `${run.session.slice(0, 8)}#${stopped.seq}`]) {
      assert.equal(shop.gateway.cliAsIs(['trace', name, '--bundle', bundle]).stdout.trimEnd(), traced(stopped).join('\n'));
    }
    const none = shop.gateway.command(['trace', records[0]?.record ?? '']);
    assert.match(
      `${none.status} ${none.stderr}`,
      /^1 countersign: \S+ is of the kind open and belongs to no request: countersign session show \w{32} has the requests/,
    );
    const brief = shop.gateway.command(['session', 'show', run.session, '--brief']).stdout;
    const carries = `carries email of shop/crm.customers.email from #${rows?.seq}`;
    for (const expected of [
      `#${rows?.seq} saw email\n`,
      `#${stopped.seq} ${carries} [following.cedar:stays] That is`,
      '! brain llm.chat values of other targets go to brain: email of shop/crm.customers.email\n',
    ]) {
      assert.ok(brief.includes(expected), `${expected} is not in:\n${brief}`);
    }
    const whole = shop.gateway.command(['session', 'show', run.session]).stdout;
    assert.match(whole, new RegExp(`→ llm\\.chat brain .* ${carries} #${asked.seq}\n`));
    const accesses = (await shop.gateway.sessions('all')).find(({ principal }) => principal === null)?.session ?? '';
    const reads = (await shop.gateway.records(accesses)).filter(
      ({ kind, attributes }) => kind === 'access' && attributes['countersign.access.session'] === run.session,
    );
    assert.ok(reads.some(({ attributes }) => attributes['countersign.access.what'] === `trace of record ${stopped.seq}`));
  });

  test('a value is known again in every part of a request over HTTP, and in the encodings that clients use', async () => {
    const run = await openRun();
    await query(run, 'select email from crm.customers where id = 1');
    const [begin, end] = [address.slice(0, 9), address.slice(9)];
    const base64 = (said: string): string => Buffer.from(said).toString('base64');
    const json = (said: string): readonly Buffer[] => [Buffer.from(JSON.stringify({ said }))];
    const parts64 = `--b\r\ncontent-disposition: form-data; name="n"\r\ncontent-transfer-encoding: base64\r\n\r\n${base64(`mail ${address} now`)}\r\n--b--`;
    const quoted = `--b\r\ncontent-disposition: form-data; name="n"\r\n\r\nto grace.hopper91=\r\n=40example.com\r\n--b--`;
    const rows: readonly (readonly [name: string, sent: Sent, why?: RegExp])[] = [
      ['a path', { method: 'GET', path: `/to/${address}/send` }],
      ['a path, encoded', { method: 'GET', path: `/to/${encodeURIComponent(address)}` }],
      ['a query', { method: 'GET', path: `/?q=a+b&to=${address.replace('@', '%40')}` }],
      ['a header', { method: 'GET', headers: { 'x-note': `for <${address}>` } }],
      ['a cookie', { method: 'GET', headers: { cookie: `a=${base64(`mailto:${address}`)}` } }],
      ['a body', { pieces: [Buffer.from(`hello ${address}, hello`)] }],
      ['a body in two pieces', { headers: { 'transfer-encoding': 'chunked' }, pieces: [Buffer.from(`x ${begin}`), Buffer.from(`${end} y`)] }],
      ['a body, byte by byte', { headers: { 'transfer-encoding': 'chunked' }, pieces: Array.from(`to ${address}.`, (each) => Buffer.from(each)) }],
      [
        'a later piece that looks like a head',
        { headers: { 'transfer-encoding': 'chunked' }, pieces: [Buffer.from(`x\r\nhost: ${address}\r\n`), Buffer.from('y')] },
      ],
      ['base64 in two pieces', { headers: { 'transfer-encoding': 'chunked' }, pieces: cutAt(Buffer.from(base64(`to ${address} or another one`)), 17) }],
      ['a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, pieces: [Buffer.from(`a=1&to=${encodeURIComponent(address)}`)] }],
      ['a part of a form in base64', { headers: { 'content-type': 'multipart/form-data; boundary=b' }, pieces: [Buffer.from(parts64)] }],
      ['a part of a form in quoted-printable', { headers: { 'content-type': 'multipart/form-data; boundary=b' }, pieces: [Buffer.from(quoted)] }],
      ['gzip', { headers: { 'content-encoding': 'gzip', 'content-length': String(gzipSync(address).length) }, pieces: [gzipSync(address)] }],
      ['gzip within zstd', { headers: withLength('gzip, zstd', zstdCompressSync(gzipSync(address))), pieces: [zstdCompressSync(gzipSync(address))] }],
      ['gzip that comes later', { headers: { 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' }, pieces: [gzipSync(address)] }, cannotLook],
      ['a content coding that nobody knows', { headers: withLength('own', Buffer.from('own')), pieces: [Buffer.from('own')] }, cannotLook],
      ['a body that is not in its content coding', { headers: withLength('br', Buffer.from(address)), pieces: [Buffer.from(address)] }, cannotLook],
      ['escapes of JSON', { pieces: [Buffer.from(`{"to": "${address.replaceAll(/[a-e]/g, (each) => `\\u00${(each.codePointAt(0) ?? 0).toString(16)}`)}"}`)] }],
      ['base64', { pieces: json(base64(`to ${address}`)) }],
      [
        'base64 of URLs within base64',
        { pieces: json(base64(JSON.stringify({ inner: Buffer.from(`to ${encodeURIComponent(address)}`).toString('base64url') }))) },
      ],
      ['hex', { pieces: json(Buffer.from(address).toString('hex')) }],
      ['entities of HTML', { pieces: json(address.replace('@', '&#64;').replaceAll('.', '&period;')) }],
      ['wide letters', { pieces: json(address.replaceAll(/[!-~]/g, (each) => String.fromCharCode(each.charCodeAt(0) + 0xfee0))) }],
      ['characters that nobody sees', { pieces: json(address.replaceAll('p', 'p\u{200b}')) }],
      ['other letters', { pieces: json(address.toUpperCase()) }],
      ['spaces', { pieces: json(address.replace('@', ' @ ')) }],
    ];
    const wrong: string[] = [];
    for (const [name, sent, why = /That is a customer's address\./] of rows) {
      const { status, words } = await sendPieces(run, sent);
      if (status !== 403 || !why.test(words)) {
        wrong.push(`${name}: ${status} ${words}`);
      }
    }
    assert.deepEqual(wrong, []);
    const honest = gzipSync(JSON.stringify({ to: 'somebody.else@example.com', of: 'example.com', from: 'grace hopper' }));
    assert.deepEqual(await sendPieces(run, { headers: withLength('gzip', honest), pieces: [honest] }), { status: 200, words: '{}' });
    // So long a request is looked at in several turns, and the value is cut by the end of a slice.
    const prompt = (content: string): string => JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] });
    const asked = async (content: string): Promise<ShownRecord> => {
      await send(run, 'brain', prompt(content), '/v1/chat/completions');
      const records = await shop.gateway.records(run.session);
      return records.findLast(({ target, kind, verdict }) => target === 'brain' && kind === 'request' && verdict !== null) ?? assert.fail();
    };
    const sliced = 4 * 256 * 1024;
    const words = 'and '.repeat(sliced / 2);
    const honestWords = await asked(words);
    assert.equal(honestWords.attributes['countersign.carries'], undefined);
    // The head of the request is before the prompt, without the line that names the host.
    const headBytes = (await shop.gateway.records(run.session))
      .filter(
        ({ seq, attributes }) =>
          seq === honestWords.seq || (attributes['countersign.request'] === honestWords.seq && attributes['countersign.answer'] === undefined),
      )
      .reduce((sum, { kind, content }) => sum + (kind === 'request' ? (content?.bytes ?? 0) : 0), -prompt(words).length);
    const begun = sliced - headBytes + '\r\nhost: 127.0.0.1:12345'.length - prompt('').indexOf('""') - 1 - address.length / 2;
    const carrying = await asked(`${words.slice(0, begun - 1)} ${address} ${words.slice(0, sliced * 2 - begun - address.length - 1)}`);
    assert.deepEqual(carrying.attributes['countersign.carries'], ['email', 'shop/crm.customers.email']);
  });

  test('inspection finds in each part of a request what a mask would find there', async () => {
    const run = await openRun();
    const json = { 'content-type': 'application/json' };
    const patient = [Buffer.from('{"patient": {"name": "Grace"}, "to": "none"}')];
    const prompt = { model: 'm', user: address, messages: [{ role: 'user', content: 'hello' }] };
    const chunked = { ...json, 'transfer-encoding': 'chunked' };
    const rows: readonly (readonly [name: string, sent: Sent, classes: string | null, isInspected?: boolean])[] = [
      ['a path', { method: 'GET', path: `/to/${encodeURIComponent(address)}` }, 'email'],
      ['a header', { method: 'GET', headers: { 'x-note': `for <${address}>` } }, 'email'],
      ['a cookie', { method: 'GET', headers: { cookie: `a=b; mail=${encodeURIComponent(address)}` } }, 'email'],
      ['a credential', { method: 'GET', headers: { 'api-key': address } }, null],
      ['a member', { headers: json, pieces: [Buffer.from(JSON.stringify({ to: address }))] }, 'email'],
      ['the name of a member', { headers: json, pieces: [Buffer.from(JSON.stringify({ [address]: 1 }))] }, 'email'],
      ['a member that is named', { headers: json, pieces: patient }, 'health'],
      [
        'a member that is named, encoded',
        { headers: { ...json, ...withLength('gzip', gzipSync(patient[0] ?? '')) }, pieces: [gzipSync(patient[0] ?? '')] },
        'health',
      ],
      ['a body of unknown length', { headers: chunked, pieces: [Buffer.from(JSON.stringify({ to: address }))] }, 'email', false],
      ['a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, pieces: [Buffer.from(`to=${encodeURIComponent(address)}`)] }, 'email'],
      ['a member beside a prompt', { target: 'brain', path: '/v1/chat/completions', headers: json, pieces: [Buffer.from(JSON.stringify(prompt))] }, 'email'],
    ];
    const wrong: string[] = [];
    let newest = 0;
    for (const [name, sent, expected, isInspected = true] of rows) {
      const length = sent.pieces === undefined || sent.headers === chunked ? {} : { 'content-length': String(Buffer.concat(sent.pieces).length) };
      const { status, words } = await sendPieces(run, { target: 'notes', ...sent, headers: { ...length, ...sent.headers } });
      assert.equal(status, 200, `${name}: ${words}`);
      const records = await shop.gateway.records(run.session);
      const first = records.find(({ kind, seq }) => kind === 'request' && seq > newest)?.seq;
      newest = records.at(-1)?.seq ?? 0;
      const own = records.filter(({ seq, kind, attributes }) => kind === 'request' && [seq, attributes['countersign.request']].includes(first));
      const found = own.flatMap(({ attributes }) => attributes['countersign.classes'] ?? []).flat();
      const isTold = own.every(({ attributes }) => attributes['countersign.inspected'] !== false);
      if (found.join() !== (expected ?? '') || isTold !== isInspected) {
        wrong.push(`${name}: ${JSON.stringify({ found, isTold })}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('a value is known again in a statement, however SQL spells it', async () => {
    const run = await openRun();
    await query(run, 'select email from crm.customers where id = 1');
    const [name, domain] = address.split('@');
    const hex = Buffer.from(address).toString('hex');
    const spellings = [
      `E'${name}\\100${domain}'`,
      `U&'${name}!0040${domain}' uescape '!'`,
      `'--', '${name}' -- it's\n '@${domain}'`,
      `'\\x${hex}'::bytea`,
      `'${name}\\100${domain}'::bytea`,
      `X'${hex}'`,
      `'{"${name?.replace('.', '\\\\.')}@${domain}"}'::text[]`,
    ];
    for (const spelling of spellings) {
      await query(run, `select ${spelling}`, { text: `select ${spelling}, $1::int`, values: [1] });
    }
    await query(run, { text: 'select $1::text[]', values: [`{"${name}\\@${domain}"}`] });
    const asked = told(await shop.gateway.records(run.session), 'request', 'countersign.carries').map((each) => [each].flat(2).includes('email'));
    assert.deepEqual(
      asked,
      Array.from({ length: 2 * spellings.length + 1 }, () => true),
    );
    const classes = told(await shop.gateway.records(run.session), 'request', 'countersign.classes');
    assert.deepEqual(
      classes,
      asked.map(() => ['shop', ['email']]),
    );
  });

  test('a value is known again in a message over WebSocket, whatever its frames are', async () => {
    const run = await openRun();
    await query(run, 'select email from crm.customers where id = 1');
    const ask = async (say: (client: WebSocket) => void): Promise<string> => {
      const client = new WebSocket(`ws://127.0.0.1:${shop.gateway.port('http')}/t/socket`, { headers: { authorization: `Bearer ${run.token}` } });
      const { promise, resolve } = Promise.withResolvers<string>();
      client.on('message', (said) => {
        resolve(textOf(said));
      });
      client.once('close', (code, reason) => {
        resolve(`${code} ${reason.toString()}`);
      });
      await once(client, 'open');
      say(client);
      const got = await promise;
      client.terminate();
      return got;
    };
    const halves = [address.slice(0, 7), address.slice(7)] as const;
    const denied = /^1008 .*That is a customer's address/;
    assert.match(
      await ask((client) => {
        client.send(`to ${address}`);
      }),
      denied,
    );
    assert.match(
      await ask((client) => {
        client.send(`to\r\nhost: ${address}\r\n`);
      }),
      denied,
    );
    assert.match(
      await ask((client) => {
        client.send(`to ${halves[0]}`, { fin: false });
        client.ping('between');
        client.send(halves[1], { fin: true });
      }),
      denied,
    );
    assert.equal(
      await ask((client) => {
        client.send('to nobody');
      }),
      'echo of to nobody',
    );
  });

  test('a value is known again in statements, in values that are bound, and in data that are copied', async () => {
    const run = await openRun();
    await query(run, 'select email from crm.customers where id = 1', `select 1 from crm.customers where email = '${address}'`);
    const bound = [
      { text: 'select $1::text', values: [address] },
      { text: 'select $1::text', values: [Buffer.from(address)] },
    ];
    for (const each of bound) {
      await query(run, each);
    }
    const talk = await Talk.open(await connectTo(shop.gateway.port('postgres')), { token: run.token, target: 'shop' });
    await talk.say(simpleQuery('create temp table inbox (said text); copy inbox from stdin'), (said) => said.includes('G\0\0\0'));
    const copyData = (said: string): Buffer => message('d', Buffer.from(said));
    await talk.say(Buffer.concat([copyData(`to ${address.slice(0, 7)}`), copyData(`${address.slice(7)}\nnobody\n`), message('c')]));
    await talk.say(simpleQuery('copy inbox from stdin'), (said) => said.includes('G\0\0\0'));
    await talk.say(copyData(`to ${address.slice(0, 11)}`), () => true);
    await sleep(50);
    await talk.say(Buffer.concat([copyData(`${address.slice(11)}\nnobody\n`), message('c')]));
    talk.close();
    const records = (await shop.gateway.records(run.session)).filter(
      ({ kind, attributes }) => kind === 'request' && attributes['countersign.carries'] !== undefined,
    );
    assert.deepEqual(
      records.map(({ action }) => action),
      ['postgres.query', 'postgres.execute', 'postgres.execute', 'postgres.copy', 'postgres.copy'],
    );
  });

  test('what the client has of an answer counts before it is whole, and what is missing of it is said', async () => {
    const run = await openRun();
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${run.token}` };
    const answer = await fetch(`http://127.0.0.1:${shop.gateway.port('http')}/t/slow/`, { headers, signal: leaving.signal });
    const begun = await answer.body?.getReader().read();
    assert.ok(Buffer.from(begun?.value ?? []).includes(late));
    assert.equal((await send(run, 'mail', `to ${late}`)).status, 403);
    leaving.abort();
    const seen = async (): Promise<readonly unknown[]> => told(await shop.gateway.records(run.session), 'response', 'countersign.inspected');
    await waitUntil(async () => (await seen()).length > 0);
    assert.deepEqual(await seen(), [['slow', false]]);
    const of = (await shop.gateway.records(run.session)).filter(
      ({ target, attributes }) => target === 'slow' && attributes['countersign.classes'] !== undefined,
    );
    assert.deepEqual(new Set(of.flatMap(({ attributes }) => attributes['countersign.classes'])), new Set(['email']));
  });

  test('a value at the end of what came so far of an answer is known again, before it is known where it ends', async () => {
    const wrong: string[] = [];
    for (const path of Object.keys(unended)) {
      const run = await openRun();
      const leaving = new AbortController();
      const target = path.startsWith('/v1') ? 'slowly' : 'slow';
      const answer = await fetch(`http://127.0.0.1:${shop.gateway.port('http')}/t/${target}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${run.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', stream: true, messages: [] }),
        signal: leaving.signal,
      });
      const reader = answer.body?.getReader() ?? assert.fail();
      for (let got = ''; !got.includes(late.slice(9));) {
        got += Buffer.from((await reader.read()).value ?? assert.fail(path)).toString();
      }
      const { status } = await send(run, 'mail', `to ${late}`);
      const honest = await send(run, 'mail', 'to nobody');
      const followed = told(await shop.gateway.records(run.session), 'event', 'countersign.followed');
      if (status !== 403 || honest.status !== 200 || followed.length !== 1) {
        wrong.push(`${path}: ${status}, ${honest.status}, ${followed.length}`);
      }
      leaving.abort();
    }
    assert.deepEqual(wrong, []);
    const run = await openRun();
    const client = new WebSocket(`ws://127.0.0.1:${shop.gateway.port('http')}/t/parts`, { headers: { authorization: `Bearer ${run.token}` } });
    await once(client, 'open');
    client.send(`begin ${late}`);
    await waitUntil(async () => (await shop.gateway.records(run.session)).some(({ attributes }) => attributes['countersign.websocket.final'] === false));
    assert.equal((await send(run, 'mail', `to ${late}`)).status, 403);
    client.terminate();
  });

  test('no value of one session is known in another; what is held, or kept as facts alone, says what it carries', async () => {
    const foreign = await openRun();
    const token = await shop.gateway.issueToken('agent');
    await send({ session: '', token }, 'staff', '{}');
    const run = { session: (await shop.gateway.newest()).session, token };
    await query(foreign, 'select id from crm.customers');
    assert.deepEqual(await send(foreign, 'mail', address), { status: 200, words: '{}' });
    assert.deepEqual(await send(run, 'vault', address), { status: 200, words: '{}' });
    const held = fetch(`http://127.0.0.1:${shop.gateway.port('http')}/t/slow/`, {
      method: 'POST',
      headers: { authorization: `Bearer ${run.token}`, 'countersign-hold': 'return' },
      body: address,
    });
    assert.equal((await held).status, 409);
    const records = await shop.gateway.records(run.session);
    assert.deepEqual(
      told(records, 'request', 'countersign.carries').map((each) => [each].flat()[0]),
      ['vault', 'slow'],
    );
    const inVault = records.find(({ target, kind }) => target === 'vault' && kind === 'request');
    assert.deepEqual([inVault?.content, inVault?.attributes['countersign.withheld']], [null, 'not_kept']);
    const theirs = await shop.gateway.records(foreign.session);
    assert.deepEqual(
      theirs.filter(({ attributes }) => ['carries', 'followed', 'classes'].some((name) => attributes[`countersign.${name}`] !== undefined)),
      [],
    );
    assert.deepEqual(filesHolding(shop.gateway.data, address), []);
  });

  test('a request that was held carries what the session saw meanwhile', async () => {
    const run = await openRun();
    const headers = { authorization: `Bearer ${run.token}`, 'countersign-hold': 'wait' };
    const ask = async (target: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${shop.gateway.port('http')}/t/${target}/`, { method: 'POST', headers, body: `to ${other}` });
    const asked = [ask('desk'), ask('inner')];
    const waiting = async (): Promise<readonly { readonly approval: string; readonly session: string }[]> => {
      const all: Awaited<ReturnType<typeof waiting>> = JSON.parse(await (await shop.gateway.api('/api/v1/approvals')).text());
      return all.filter(({ session }) => session === run.session);
    };
    await waitUntil(async () => (await waiting()).length === 2);
    await query(run, 'select email from crm.customers where id = 2');
    for (const { approval } of await waiting()) {
      assert.equal((await shop.gateway.api(`/api/v1/approvals/${approval}/grant`, { method: 'POST', body: {} })).status, 200);
    }
    const [desk, inner] = await Promise.all(asked);
    assert.deepEqual([desk?.status, inner?.status], [403, 200]);
    assert.match((await desk?.text()) ?? '', /That is a customer's address/);
    const records = await shop.gateway.records(run.session);
    assert.deepEqual(
      told(records, 'decision', 'countersign.carries')
        .map((each) => String(each))
        .toSorted(),
      ['desk', 'inner'].map((target) => `${target},email,shop/crm.customers.email`),
    );
    assert.deepEqual(told(records, 'alert', 'countersign.leak'), [['inner', ['email shop/crm.customers.email']]]);
    const rows = records.find(({ attributes }) => attributes['countersign.classes'] !== undefined);
    const [traced] = shop.gateway.rows<TracedValue>(['trace', rows?.record ?? '']);
    assert.deepEqual(new Set(traced?.carriedBy.map(({ target, verdict }) => `${target} ${verdict}`)), new Set(['desk deny', 'inner allow']));
  });

  test('after a kill -9 and after a stop, an activity that goes on still knows what it saw', async () => {
    const visitor = { session: '', token: await shop.gateway.issueToken('agent') };
    const settled = async (body: string): Promise<readonly [number, string]> => {
      let answer = { status: 503, words: '' };
      await waitUntil(async () => {
        answer = await send(visitor, 'mail', body);
        return answer.status !== 503;
      });
      return [answer.status, /That is a customer's address|This run has read health data/.exec(answer.words)?.[0] ?? ''];
    };
    await send(visitor, 'staff', '{}');
    const [carrying, allowed] = [
      [403, "That is a customer's address"],
      [200, ''],
    ] as const;
    assert.deepEqual([await settled(address), await settled('somebody')], [carrying, allowed]);
    await shop.gateway.signal('SIGKILL');
    await shop.gateway.start();
    assert.deepEqual([await settled(address), await settled('somebody')], [carrying, allowed]);
    await send(visitor, 'files', '{}');
    await shop.gateway.signal('SIGTERM');
    await shop.gateway.start();
    const [, words] = await settled('somebody');
    assert.deepEqual([words, (await settled(address))[0]], ['This run has read health data', 403]);
    await shop.gateway.signal('SIGKILL');
    await shop.gateway.start();
    assert.equal((await settled('somebody'))[0], 403);
    const carried = (await shop.gateway.sessions()).filter(({ principal }) => principal === 'agent');
    const records = (await Promise.all(carried.map(async ({ session }) => shop.gateway.records(session)))).flat();
    const sources = records
      .filter(({ target, kind }) => target === 'mail' && kind === 'request')
      .flatMap(({ attributes }) => attributes['countersign.carries'] ?? []);
    assert.ok(sources.includes('staff:/people/*/mail'));
    assert.deepEqual(filesHolding(shop.gateway.data, address), []);
    assert.equal(shop.gateway.verify().status, 0);
  });

  test('runs within one another have one history: whatever one of them saw, another may not send', async () => {
    const outer = await openRun();
    const made = await shop.gateway.api('/api/v1/runs', { method: 'POST', token: outer.token, body: { command: 'inner' } });
    const inner: Run = JSON.parse(await made.text());
    await query(outer, 'select email from crm.customers where id = 1');
    assert.equal((await send(inner, 'mail', { to: address })).status, 403);
    await query(inner, 'select diagnosis from crm.customers');
    const { status, words } = await send(outer, 'mail', '{}');
    assert.deepEqual([status, words.includes('read health data')], [403, true], words);
    const denied = (await shop.gateway.records(inner.session)).find(({ attributes }) => attributes['countersign.carries'] !== undefined);
    const { stdout } = shop.gateway.command(['trace', denied?.record ?? '', '--json']);
    const traced: { from: { session: string; target: string } } = JSON.parse(stdout);
    assert.deepEqual([traced.from.session, traced.from.target], [outer.session, 'shop']);
    const { stdout: tried } = shop.gateway.command(['policy', 'try', join(directory, 'following.cedar')]);
    assert.match(tried, /of a run within another or around one/);
  });

  test('a run that has read a class may not write to the outside, wherever the values stood', async () => {
    const run = await openRun();
    await query(run, 'select id from crm.customers');
    assert.equal((await send(run, 'mail', '{}')).status, 200);
    await query(run, `select upper(left(diagnosis, 3)) as d from crm.customers`);
    assert.equal((await send(run, 'mail', '{}')).status, 403);
  });

  test('values are traced through all sessions of an activity, also those after a restart of the gateway', async () => {
    const run = { session: '', token: shop.token };
    await send(run, 'staff', '{}');
    const first = (await shop.gateway.newest()).session;
    assert.equal(await shop.gateway.signal('SIGTERM'), 0);
    appendFileSync(shop.gateway.configFile, 'limits: { sessionRecordsMax: 12 }\n');
    await shop.gateway.start();
    const prompt = { model: 'm', messages: [{ role: 'user', content: `Write to ${address}` }] };
    const sessions = new Set([first]);
    await waitUntil(async () => {
      await send(run, 'brain', prompt, '/v1/chat/completions');
      sessions.add((await shop.gateway.newest()).session);
      return sessions.size === 3;
    });
    const records = (await Promise.all([...sessions].map(async (session) => shop.gateway.records(session)))).flat();
    const rows = records.find(({ attributes }) => attributes['countersign.classes'] !== undefined);
    const carrying = records.filter(({ attributes }) => attributes['countersign.carried'] !== undefined);
    assert.deepEqual([...new Set(carrying.map(({ session }) => session))], [...sessions].slice(1));
    for (const record of [rows, carrying[0], carrying.at(-1)]) {
      const value = shop.gateway.rows<TracedValue>(['trace', record?.record ?? '']).find((each) => each.class === 'email');
      assert.deepEqual(
        [value?.from.session, value?.from.record, value?.carriedBy.map(({ record: name }) => name)],
        [first, rows?.record, carrying.map(({ record: name }) => name)],
      );
    }
  });
});
