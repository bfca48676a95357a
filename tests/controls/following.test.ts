import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import pg from 'pg';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import type { TracedValue } from '../../cli/src/value-trace.ts';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { filesHolding } from '../support/canary.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

const address = 'grace.hopper91@example.com';
const other = 'ada.lovelace7c1a@example.com';
const policies = `@id("reads")
permit (principal in Group::"agents", action, resource);

@id("stays")
@reason("That is a customer's address.")
forbid (principal in Group::"agents", action, resource) when { resource.zone == "outside" && context.carries.contains("email") };

@id("health")
@reason("This run has read health data: it may not write to the outside.")
forbid (principal in Group::"agents", action, resource) when { resource.zone == "outside" && context.session.classes.contains("health") };
`;
const setup = `create schema crm; create table crm.customers (id int, name text, email text, diagnosis text);
  insert into crm.customers values (1, 'Grace Hopper', '${address}', 'hay fever'), (2, 'Ada Lovelace', '${other}', 'a broken leg');`;

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
    writeFileSync(file, policies);
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
    const targets = `  brain: { url: "${model.url}", protocol: llm, inspect: [email] }
  staff: { url: "${inside.url}", inspect: [email, phone] }
  mail: { url: "${outside.url}", tags: { zone: outside } }\n`;
    const config = `policies: ${file}\nclasses: { health: { columns: ["shop/crm.customers.diagnosis"] } }\n`;
    shop = parts.use(await openShop({ config, targets, options: ', inspect: [email, health]', granted: '[shop, brain, staff, mail]' }));
    const made = await psql(shop.around, ['-c', setup]);
    assert.equal(made.status, 0, made.stderr);
  });

  const openRun = async (): Promise<Run> => {
    const made = await shop.gateway.api('/api/runs', { method: 'POST', body: { principal: 'agent', command: 'agent' } });
    const { session, token }: Run = JSON.parse(await made.text());
    return { session, token };
  };
  const query = async ({ token }: Run, ...statements: readonly string[]): Promise<readonly unknown[]> => {
    const client = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'agent', password: token, database: 'shop' });
    await client.connect();
    const rows: unknown[] = [];
    for (const statement of statements) {
      rows.push(...(await client.query({ text: statement, rowMode: 'array' })).rows);
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
    assert.deepEqual(value, { class: 'email', source: 'shop/crm.customers.email', from, carriedBy });
    assert.match(print, /^[0-9a-f]{8}-23-[0-9a-f]{16}$/);
    assert.equal(shop.gateway.command(['trace', stopped.record, '--data', shop.gateway.data]).stdout.trimEnd(), traced(stopped).join('\n'));
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
    assert.ok(reads.some(({ attributes }) => attributes['countersign.access.what'] === `record ${stopped.seq}`));
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
    await shop.gateway.start();
    const prompt = { model: 'm', messages: [{ role: 'user', content: `Write to ${address}` }] };
    await waitUntil(async () => (await send(run, 'brain', prompt, '/v1/chat/completions')).status === 200);
    const second = (await shop.gateway.newest()).session;
    assert.notEqual(first, second);
    const rows = (await shop.gateway.records(first)).find(({ attributes }) => attributes['countersign.classes'] !== undefined);
    const asked = (await shop.gateway.records(second)).findLast(({ kind }) => kind === 'request');
    for (const record of [rows, asked]) {
      const value = shop.gateway.rows<TracedValue>(['trace', record?.record ?? '']).find((each) => each.class === 'email');
      assert.deepEqual([value?.from.session, value?.from.record, value?.carriedBy.map(({ record: name }) => name)], [first, rows?.record, [asked?.record]]);
    }
  });
});
