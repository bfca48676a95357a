import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import pg from 'pg';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { filesHolding } from '../support/canary.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { suiteParts } from '../support/suite-parts.ts';

const address = 'ada.lovelace7c1a@example.com';
const card = '4111 1111 1111 1111';
const policies = `@id("masked")
@mask("email, card:last4")
permit (principal in Group::"agents", action, resource);

@id("joined")
@mask("email:hash")
permit (principal in Group::"joiners", action, resource);
`;
/** An answer of a model in three events, which cut an address of mail in two places. */
const events = ['Write to ada.love', 'lace7c1a@exa', 'mple.com, and not to 4111', '-1111-1111-1111.']
  .map((content) => `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta: { content } }] })}\n\n`)
  .concat('data: [DONE]\n\n');

describe('values that policy masks', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-masks-'));
  const parts = suiteParts();
  let shop: Shop;
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    const file = join(directory, 'masks.cedar');
    writeFileSync(file, policies);
    const model = parts.use(
      await openServer(async (_request, response) => {
        response.setHeader('content-type', 'text/event-stream');
        for (const event of events) {
          response.write(event);
          await new Promise(setImmediate);
        }
        response.end();
      }),
    );
    const config = `  joiner: { kind: agent, groups: [joiners] }\npolicies: ${file}\n`;
    shop = parts.use(await openShop({ config, targets: `  brain: { url: "${model.url}", protocol: llm }\n` }));
  });

  const asked = async (user: string, ...statements: readonly string[]): Promise<readonly unknown[]> => {
    const password = user === 'agent' ? shop.token : await shop.gateway.issueToken(user);
    const client = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user, password, database: 'shop' });
    await client.connect();
    const answers: unknown[] = [];
    for (const statement of statements) {
      answers.push(...(await client.query({ text: statement, rowMode: 'array' })).rows);
    }
    await client.end();
    return answers;
  };

  test('are masked in rows and recorded as they were delivered, beside a record of what was masked', async () => {
    const [first] = await asked('agent', `select 1, 'ada.lovelace7c1a' || '@example.com', '4111 1111 ' || '1111 1111', 'order 4111-22'`);
    assert.deepEqual(first, [1, '[email]', '**** **** **** 1111', 'order 4111-22']);
    const { session = '' } = (await shop.gateway.sessions()).find(({ principal }) => principal === 'agent') ?? {};
    const records = await shop.gateway.records(session);
    const answer = records.find(({ kind, attributes }) => kind === 'response' && attributes['countersign.masked'] !== undefined);
    assert.deepEqual(answer?.attributes['countersign.masked'], ['card=1', 'email=1']);
    assert.deepEqual(answer?.attributes['countersign.classes'], ['card', 'email']);
    const masks = records.filter(({ kind }) => kind === 'mask');
    assert.deepEqual(
      masks.map(({ attributes }) => [attributes['countersign.request'], attributes['countersign.answer']]),
      [[answer?.attributes['countersign.request'], answer?.seq]],
    );
    const [values] = masks.map(({ attributes }) => attributes['countersign.masked.values']);
    assert.match(String(values), /^card last4 [0-9a-f]{16},email redact [0-9a-f]{16}$|^email redact [0-9a-f]{16},card last4 [0-9a-f]{16}$/);
    assert.deepEqual(filesHolding(shop.gateway.data, address), []);
    assert.deepEqual(filesHolding(shop.gateway.data, card), []);
    assert.equal(shop.gateway.verify().status, 0);
  });

  test('give the same digest in each row and session, so that they can be joined', async () => {
    const twice = `select v || '@example.com' from (values ('ada'), ('bob'), ('ada')) as t (v)`;
    const [rows, others] = [await asked('joiner', twice), await asked('joiner', twice)];
    assert.deepEqual(rows, others);
    const [ada, bob, again] = rows.map(String);
    assert.match(ada ?? '', /^email_[0-9a-f]{16}$/);
    assert.ok(ada === again && ada !== bob);
  });

  test('are masked in a stream of a model, wherever its events cut them', async () => {
    const answer = await fetch(`http://127.0.0.1:${shop.gateway.port('http')}/t/brain/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${shop.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'to whom?' }] }),
    });
    const said = (await answer.text()).matchAll(/"content":"([^"]*)"/g);
    assert.equal([...said].map(([, text]) => text).join(''), 'Write to [email], and not to ****-****-****-1111.');
  });
});
