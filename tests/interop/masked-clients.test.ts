import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import OpenAI from 'openai';
import pg from 'pg';
import { z } from 'zod';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { Jdbc, requireJdbc } from '../support/jdbc.ts';
import { openMaskedModels, type MaskedModels } from '../support/masked-models.ts';
import { python, requireProgram } from '../support/require-program.ts';
import { psql, runProgram } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { suiteParts } from '../support/suite-parts.ts';

const address = 'ada.lovelace7c1a@example.com';
const card = '4111 1111 1111 1111';
const methods = ['redact', 'last4', 'hash', 'null', 'replace'] as const;
type Method = (typeof methods)[number];

const policies = `@mask("email, card:last4") permit (principal in Group::"agents", action, resource);
@mask_request("email:pseudonym") permit (principal in Group::"writers", action, resource);
${methods.map((method) => `@mask("typed:${method}") permit (principal in Group::"typed-${method}", action, resource);`).join('\n')}
`;

/** A column of each type that clients decode in a way of their own. */
const table = `create schema typed;
create type typed.pair as (name text, age int);
create type typed.mood as enum ('lovelace', 'sad');
create table typed.each (t text, v varchar(40), ts text[], j json, jb jsonb, u uuid, us uuid[], i inet, d date, tz timestamptz, tm time, iv interval, n numeric, i2 smallint, i4 int, i8 bigint, ns int[], f real,
  f8 float8, b bool, y bytea, r int4range, x typed.pair, m macaddr, e typed.mood);
insert into typed.each values ('ada.lovelace77', 'ada.lovelace77', '{ada.lovelace77,ada.lovelace78}', '{"name":"ada.lovelace77","n":4242424242}', '{"name":"ada.lovelace77","n":4242424242}',
  '6f9619ff-8b86-d011-b42d-00c04fc964ff', '{6f9619ff-8b86-d011-b42d-00c04fc964ff}', '10.77.1.77', '1977-07-17', '1977-07-17 17:17:17+00', '17:17:17', '77 days', 7777.77, 7777, 7777777, 77777777777, '{7777777,8888888}', 7777.5,
  7777.25, true, 'ada.lovelace77', '[7777,8888)', '(ada.lovelace77,7777)', '6f:96:19:ff:8b:86', 'lovelace')`;
/** Matches a part of a value that no method shows. */
const shown = /lovelace7|lovelace8|6f9619|6f:96|10\.77|1977|1978|7777|8888|42424242|17:17|77 days/i;

/** Reads the row as Python's types, in both formats. */
const psycopg = `
import datetime, decimal, ipaddress, os, psycopg, uuid
from psycopg.types.range import Range
types = dict(t=str, v=str, ts=list, j=object, jb=object, u=uuid.UUID, us=list, i=(ipaddress.IPv4Address, ipaddress.IPv4Interface), d=datetime.date, tz=datetime.datetime, tm=datetime.time,
  iv=datetime.timedelta, n=decimal.Decimal, i2=int, i4=int, i8=int, ns=list, f=float, f8=float, b=bool, y=bytes, r=Range, x=(tuple, str, bytes), m=str, e=str)
for binary in (False, True):
    with psycopg.connect('') as connection, connection.cursor(binary=binary) as cursor:
        cursor.execute('select * from typed.each')
        names = [column.name for column in cursor.description]
        (row,) = cursor.fetchall()
        for name, value in zip(names, row):
            assert value is None or isinstance(value, types[name]), (name, value)
        print(dict(zip(names, row)))
`;

describe('clients that others wrote, when values are masked', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-masked-clients-'));
  const parts = suiteParts();
  const called: unknown[] = [];
  let models: MaskedModels;
  let tools: SampleServer;
  let shop: Shop;
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    writeFileSync(join(directory, 'masks.cedar'), policies);
    models = parts.use(await openMaskedModels(address, card));
    tools = parts.use(
      await openServer(async (request, response) => {
        const transport = new StreamableHTTPServerTransport({});
        await makeServer().connect(transport);
        await transport.handleRequest(request, response);
      }),
    );
    const typed = methods.map((method) => `  by-${method}: { kind: agent, groups: [typed-${method}] }\n`).join('');
    shop = parts.use(
      await openShop({
        targets: `  models: { protocol: llm, url: "${models.url}" }\n  tools: { protocol: mcp, url: "${tools.url}" }\n`,
        config: `  writer: { kind: agent, groups: [writers] }\n${typed}policies: ${directory}\nclasses: { typed: { columns: ["shop/typed.each.*"] } }\n`,
      }),
    );
    const made = await psql(shop.around, ['-c', table]);
    assert.equal(made.status, 0, made.stderr);
  });

  /** The tool tells of whom it is asked. */
  const makeServer = (): McpServer => {
    const server = new McpServer({ name: 'people', version: '1.0.0' });
    const outputSchema = z.object({ address: z.string(), card: z.string(), order: z.number() });
    server.registerTool('find', { description: 'Finds somebody', inputSchema: z.object({ who: z.string() }), outputSchema }, ({ who }) => {
      called.push(who);
      const structuredContent = { address: who, card, order: 411_122 };
      return { content: [{ type: 'text', text: `It is ${who}, who paid with ${card}.` }], structuredContent };
    });
    return server;
  };

  /** A row of the table, as a client has decoded it. */
  type Row = Readonly<Record<string, unknown>>;
  /** Checks a row that was masked by a method: of no column is a part of the value left, and texts are those of the method. */
  const assertMasked = (method: Method, row: Row, client: string): void => {
    const text = JSON.stringify(row, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    assert.doesNotMatch(text, shown, `${client}, ${method}`);
    const { t: one, v, ts: several } = row;
    const [first, second] = z.array(z.string().nullable()).parse(several);
    const expected: Readonly<Record<Exclude<Method, 'hash'>, readonly [unknown, unknown]>> = {
      redact: ['[typed]', '[typed]'],
      last4: ['***.******ce77', '***.******ce78'],
      null: [null, null],
      replace: ['xxx.xxxxxxxx00', 'xxx.xxxxxxxx00'],
    };
    if (method === 'hash') {
      assert.match(String(one), /^typed_[0-9a-f]{16}$/);
      assert.deepEqual([v, first, second !== first], [one, one, true], client);
    } else {
      assert.deepEqual([one, v, first, second], [expected[method][0], expected[method][0], ...expected[method]], `${client}, ${method}`);
    }
  };

  for (const method of methods) {
    test(`node-postgres decodes rows of every type that are masked by ${method}`, async () => {
      const password = await shop.gateway.issueToken(`by-${method}`);
      for (const name of ['', 'prepared']) {
        const client = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: `by-${method}`, password, database: 'shop' });
        await client.connect();
        const { rows } = await client.query<Record<string, unknown>>({ text: 'select * from typed.each', ...(name === '' ? {} : { name }) });
        await client.end();
        const [row = {}] = rows;
        assert.equal(Object.keys(row).length, 25);
        assertMasked(method, row, 'node-postgres');
        const { d, tz, i4, f8, b, j, jb, ns } = row;
        for (const moment of [d, tz]) {
          assert.ok(moment === null || (moment instanceof Date && !Number.isNaN(moment.getTime())), String(moment));
        }
        for (const number of [i4, f8, ...z.array(z.unknown()).parse(ns ?? [])]) {
          assert.ok(number === null || Number.isFinite(number), String(number));
        }
        assert.ok(b === null, 'a boolean tells all of itself');
        assert.ok(
          method === 'null' ? j === null && jb === null : typeof j === 'string' && typeof jb === 'string',
          'a document that is masked as a whole is one text',
        );
      }
    });
  }

  test('psycopg decodes them in the text and the binary format', requireProgram('python:psycopg'), async () => {
    for (const method of methods) {
      const login = { ...shop.through, PGUSER: `by-${method}`, PGPASSWORD: await shop.gateway.issueToken(`by-${method}`) };
      const { status, stdout, stderr } = await runProgram(python, ['-c', psycopg], login);
      assert.equal(status, 0, `${method}: ${stderr}`);
      assert.doesNotMatch(stdout, shown, method);
      assert.equal(stdout.trim().split('\n').length, 2);
    }
  });

  test('JDBC (Java) decodes them in the text and the binary format', requireJdbc(), async () => {
    using jdbc = new Jdbc(shop.gateway.port('postgres'));
    for (const method of methods) {
      const user = `by-${method}`;
      const password = await shop.gateway.issueToken(user);
      for (const format of ['text', 'binary'] as const) {
        const line = await jdbc.ask({ user, password, format, sql: 'select * from typed.each' });
        const columns = line.split('\t').flatMap((column) => {
          const [, name = '', , value = ''] = /^(\w+):(\w*):(.*)$/s.exec(column) ?? [];
          return name === '' ? [] : [[name, value === 'null' ? null : value] as const];
        });
        assert.equal(columns.length, 25, line);
        const row = Object.fromEntries(columns);
        const ts = row['ts']
          ?.slice(1, -1)
          .split(', ')
          .map((each) => (each === 'null' ? null : each));
        assertMasked(method, { ...row, ts }, `JDBC, ${format}`);
      }
    }
    await jdbc.end();
  });

  /** Returns the text of an answer and the arguments of its tool call, as a client has them at the end of a stream. */
  const askers: Readonly<Record<string, (token: string, words: string) => Promise<readonly [text: string | null | undefined, given: unknown]>>> = {
    'openai, Chat Completions': async (apiKey, content) => {
      const client = new OpenAI({ baseURL: `${urlOf('models')}/v1`, apiKey, maxRetries: 0 });
      const { choices } = await client.chat.completions.stream({ model: 'm', messages: [{ role: 'user', content }] }).finalChatCompletion();
      const [call] = choices[0]?.message.tool_calls ?? [];
      return [choices[0]?.message.content, JSON.parse(call?.type === 'function' ? call.function.arguments : '')];
    },
    'openai, Responses': async (apiKey, input) => {
      const client = new OpenAI({ baseURL: `${urlOf('models')}/v1`, apiKey, maxRetries: 0 });
      const { output_text: text, output } = await client.responses.stream({ model: 'm', input }).finalResponse();
      return [text, JSON.parse(output.find((item) => item.type === 'function_call')?.arguments ?? '')];
    },
    anthropic: async (apiKey, content) => {
      const client = new Anthropic({ baseURL: urlOf('models'), apiKey, maxRetries: 0 });
      const { content: blocks } = await client.messages.stream({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] }).finalMessage();
      const [thought, said, use] = blocks;
      assert.ok(thought?.type === 'thinking' && said?.type === 'text' && use?.type === 'tool_use');
      assert.equal(thought.thinking, said.text);
      return [said.text, use.input];
    },
    'google-genai': async (apiKey, contents) => {
      const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: urlOf('models') } });
      let text = '';
      let given: unknown;
      for await (const { candidates } of await client.models.generateContentStream({ model: 'm', contents })) {
        for (const part of candidates?.[0]?.content?.parts ?? []) {
          text += part.text ?? '';
          given = part.functionCall?.args ?? given;
        }
      }
      return [text, given];
    },
  };
  const urlOf = (target: string): string => `http://127.0.0.1:${shop.gateway.port('http')}/t/${target}`;

  for (const [client, ask] of Object.entries(askers)) {
    test(`${client}: a streamed text and the arguments of a tool call are masked, and a stand-in is put back in both`, async () => {
      assert.deepEqual(await ask(shop.token, 'To whom?'), ['Write to [email].', { to: '[email]', card: '**** **** **** 1111', number: null }]);
      const writer = await shop.gateway.issueToken('writer');
      assert.deepEqual(await ask(writer, `To ${address}`), [`Write to ${address}.`, { to: address, card, number: 4_111_111_111_111_111 }]);
      assert.match(models.asked.at(-1) ?? '', /To email_[0-9a-f]{16}/);
    });
  }

  test('anthropic: thoughts in which a stand-in was put back go to the model as it signed them', async () => {
    const client = new Anthropic({ baseURL: urlOf('models'), apiKey: await shop.gateway.issueToken('writer'), maxRetries: 0 });
    const asked = { role: 'user', content: `To ${address}` } as const;
    const { content } = await client.messages.stream({ model: 'm', max_tokens: 9, messages: [asked] }).finalMessage();
    assert.deepEqual(content[0], { type: 'thinking', thinking: `Write to ${address}.`, signature: 'EqoBCkYIBxgCKkBx0example0signature0of0thoughts' });
    await client.messages
      .stream({ model: 'm', max_tokens: 9, messages: [asked, { role: 'assistant', content }, { role: 'user', content: 'Go on.' }] })
      .finalMessage();
    const [standIn] = /email_[0-9a-f]{16}/.exec(models.asked.at(-2) ?? '') ?? [];
    assert.ok(models.asked.at(-1)?.includes(`"thinking":"Write to ${standIn}."`));
    assert.ok(!models.asked.at(-1)?.includes('lovelace'));
  });

  test('MCP: a result is valid by the schema of its tool, masked and with stand-ins put back', async () => {
    const call = async (token: string): Promise<unknown> => {
      const client = new Client({ name: 'test', version: '1' });
      await client.connect(new StreamableHTTPClientTransport(new URL(urlOf('tools')), { requestInit: { headers: { authorization: `Bearer ${token}` } } }));
      try {
        // With the list of tools the client knows their schemas, and checks results.
        await client.listTools();
        const { content, structuredContent } = await client.callTool({ name: 'find', arguments: { who: address } });
        return { content, structuredContent };
      } finally {
        await client.close();
      }
    };
    const said = (who: string, paid: string): unknown => ({
      content: [{ type: 'text', text: `It is ${who}, who paid with ${paid}.` }],
      structuredContent: { address: who, card: paid, order: 411_122 },
    });
    assert.deepEqual(await call(shop.token), said('[email]', '**** **** **** 1111'));
    assert.deepEqual(called.splice(0), [address]);
    assert.deepEqual(await call(await shop.gateway.issueToken('writer')), said(address, card));
    assert.match(String(called), /^email_[0-9a-f]{16}$/);
  });

  test('A13: an argument that is masked on its way does not pass in a header that repeats it, and the record has it neither', async () => {
    const heard = called.length;
    const writer = await shop.gateway.issueToken('writer');
    const call = (who: string): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'find', arguments: { who } } });
    const common = { authorization: `Bearer ${writer}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    let session = '';
    for (const repeated of [address, `=?base64?${Buffer.from(address).toString('base64')}?=`, address.replace('@', '%40')]) {
      const headers = { ...common, 'mcp-method': 'tools/call', 'mcp-name': 'find', 'mcp-param-who': repeated };
      const answer = await fetch(urlOf('tools'), { method: 'POST', headers, body: call(address) });
      assert.ok(answer.status >= 400 && answer.status < 500, `${repeated}: ${answer.status} ${await answer.text()}`);
      session = answer.headers.get('countersign-session') ?? session;
    }
    assert.equal(called.length, heard);
    const records = JSON.stringify(await shop.gateway.records(session));
    assert.ok(!records.includes('lovelace7c1a') && !records.includes(Buffer.from(address).toString('base64').slice(0, 12)));
    // An argument that looks like a header or an address reaches the tool as an argument.
    const answer = await fetch(urlOf('tools'), { method: 'POST', headers: common, body: call(`x\r\nmcp-name: other ${address}?a=b#c`) });
    assert.equal(answer.status, 200, await answer.text());
    assert.match(String(called.at(-1)), /^x\r\nmcp-name: other email_[0-9a-f]{16}\?a=b#c$/);
  });
});
