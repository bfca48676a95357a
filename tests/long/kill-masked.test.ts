import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { before, describe, test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { simpleQuery } from '../../gateway/src/protocols/postgres/compose.ts';
import { Talk } from '../../gateway/src/protocols/postgres/testdata/talk.ts';
import { connectTo } from '../../gateway/src/wire/testdata/sockets.ts';
import { parseBundle } from '../../ledger/src/testdata/whole-bundle.ts';
import { filesHolding } from '../support/canary.ts';
import { assertStopsWhole } from '../support/evidence.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { injectFault, requireStrace } from '../support/strace.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil, within } from '../support/wait-until.ts';

const rounds = 12;
/** The gateway is killed after a client got so many bytes at most. */
const deliveredMax = 100_000;
/** A part of each address, which no other text has. Pieces of it are in no masked answer. */
const part = 'lovelace7c1a';
const address = `ada.${part}@example.com`;
const policy = `@id("masked")\n@mask("email")\npermit (principal in Group::"agents", action, resource);\n`;
const columns = `i, 'to ada' || i || '.${part}@' || 'example.com', repeat('x', 200)`;
const statements = [
  `select ${columns} from generate_series(1, 60000) i`,
  `copy (select ${columns} from generate_series(1, 60000) i) to stdout`,
  `do $$ begin for i in 1..60000 loop raise notice 'to %.${part}@%', i, 'example.com'; end loop; end $$`,
];
const eventsMax = 60_000;
const eventsPerMs = 10;

/** A client of a stream. */
interface Client {
  /** Returns everything that came of the answer so far. */
  readonly delivered: () => Buffer;
  /** Resolves when the connection is over. */
  readonly over: Promise<unknown>;
}

describe('kill -9 while answers are masked', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-kill-masked-'));
  const parts = suiteParts();
  let shop: Shop;
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    const file = join(directory, 'masks.cedar');
    writeFileSync(file, policy);
    const model = parts.use(
      await openServer(async (asked, response) => {
        await text(asked);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const said = `to ${address} and `.repeat(3);
        for (let at = 0, events = 0; events < eventsMax && !response.destroyed; events += 1) {
          const size = 1 + (events % 7);
          const content = (said + said).slice(at, at + size);
          at = (at + size) % said.length;
          response.write(`data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content } }] })}\n\n`);
          if (events % eventsPerMs === 0) {
            await delay(1);
          }
        }
        response.end('data: [DONE]\n\n');
      }),
    );
    shop = parts.use(
      await openShop({ durability: 'disk', targets: `  brain: { url: "${model.url}", protocol: llm, durability: disk }\n`, config: `policies: ${file}\n` }),
    );
  });

  /** Begins a statement. What comes of its answer is kept. */
  async function ask(statement: string): Promise<Client> {
    const socket = await connectTo(shop.gateway.port('postgres'));
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    const { promise: over, resolve } = Promise.withResolvers<null>();
    socket.once('end', () => {
      socket.destroy();
    });
    socket.once('close', () => {
      resolve(null);
    });
    await Talk.open(socket, { token: shop.token, target: 'shop' });
    const login = Buffer.concat(pieces).length;
    socket.write(simpleQuery(statement));
    return { delivered: () => Buffer.concat(pieces).subarray(login), over };
  }

  /** Begins to read the stream of a model. */
  function askModel(): Client {
    const pieces: Buffer[] = [];
    const { promise, resolve } = Promise.withResolvers<null>();
    const headers = { authorization: `Bearer ${shop.token}`, 'content-type': 'application/json' };
    const over = (): void => {
      resolve(null);
    };
    request(`http://127.0.0.1:${shop.gateway.port('http')}/t/brain/v1/chat/completions`, { method: 'POST', headers }, (answer) => {
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', over).on('close', over);
    })
      .on('error', over)
      .end(JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'to whom?' }] }));
    return { delivered: () => Buffer.concat(pieces), over: promise };
  }

  const begin: readonly (readonly [name: string, target: string, () => Promise<Client>])[] = [
    ...statements.map((statement) => [statement.slice(0, 4), 'shop', async () => ask(statement)] as const),
    ['model', 'brain', async () => Promise.resolve(askModel())],
  ];

  /** Asserts that nothing unmasked was delivered, and that the record of each answer begins with what was delivered of it. */
  async function assertMasked(clients: readonly { readonly target: string; readonly delivered: Buffer }[], known: ReadonlySet<string>): Promise<void> {
    const sessions = (await shop.gateway.sessions()).filter(({ session }) => !known.has(session));
    const answers: { readonly target: string; readonly bytes: Buffer }[] = [];
    for (const { session, targets } of sessions) {
      const bundle = parseBundle(Buffer.from(await (await shop.gateway.api(`/api/v1/sessions/${session}/bundle`)).arrayBuffer()));
      const shown = await shop.gateway.records(session);
      const byRequest = Map.groupBy(
        shown.filter(({ kind, attributes }) => kind === 'response' && attributes['countersign.request'] !== undefined),
        ({ attributes }) => attributes['countersign.request'],
      );
      for (const records of byRequest.values()) {
        const contents = records.map(({ seq }) => bundle.records[seq]?.content);
        const bytes = Buffer.concat(contents.map((content) => (content?.form === 'opened' ? Buffer.from(content.plaintext) : Buffer.alloc(0))));
        const target = records[0]?.target ?? targets[0] ?? '';
        answers.push({ target, bytes: target === 'brain' ? bytes.subarray(bytes.indexOf('\r\n\r\n') + 4) : bytes });
      }
    }
    for (const { target, delivered } of clients) {
      assert.ok(!saidIn(delivered).includes(part), `${target}: ${delivered.subarray(-400).toString('latin1')}`);
      const held = delivered.length === 0 || answers.some((answer) => answer.target === target && answer.bytes.subarray(0, delivered.length).equals(delivered));
      assert.ok(held, `${target}: ${delivered.length} bytes were delivered, and recorded were ${answers.map(({ bytes }) => bytes.length).join()}`);
    }
    for (const { target, bytes } of answers) {
      assert.ok(!saidIn(bytes).includes(part), `the record of an answer of ${target} has an address`);
    }
  }

  test('C28: at any moment: no address was delivered, and what was delivered is on record', async () => {
    let maskedAnswers = 0;
    for (let round = 0; round < rounds; round += 1) {
      const known = new Set((await shop.gateway.sessions()).map(({ session }) => session));
      const clients = await Promise.all(begin.map(async ([, target, open]) => ({ target, ...(await open()) })));
      const [first] = clients.slice(round % clients.length);
      const enough = round < begin.length ? 1 : randomInt(deliveredMax);
      await waitUntil(() => (first?.delivered().length ?? 0) >= enough, 60_000);
      await shop.gateway.signal('SIGKILL');
      await within(Promise.all(clients.map(async ({ over }) => over)), 'the end of the connections');
      await shop.gateway.start();
      const delivered = clients.map(({ target, delivered: all }) => ({ target, delivered: all() }));
      await assertMasked(delivered, known);
      maskedAnswers += delivered.filter((each) => each.delivered.includes('[email]')).length;
    }
    assert.ok(maskedAnswers >= rounds, 'there were masked values in what was delivered');
  });

  test('C28: at named points of the writing of a record', requireStrace(), async (t) => {
    for (const [syscall, when] of [
      ['pwrite64', 20],
      ['pwrite64', 57],
      ['fdatasync', 3],
      ['fdatasync', 9],
    ] as const) {
      await t.test(`${syscall}, ${when}`, async () => {
        const known = new Set((await shop.gateway.sessions()).map(({ session }) => session));
        await using tracing = await injectFault(shop.gateway.pid, { syscall, file: shop.gateway.segment(), what: `signal=SIGKILL:when=${when}` });
        const clients = await Promise.all(begin.map(async ([, target, open]) => ({ target, ...(await open()) })));
        await waitUntil(() => shop.gateway.killedBy !== null, 60_000);
        assert.match(tracing.hits(), /killed by SIGKILL/);
        await within(Promise.all(clients.map(async ({ over }) => over)), 'the end of the connections');
        await shop.gateway.start();
        await assertMasked(
          clients.map(({ target, delivered }) => ({ target, delivered: delivered() })),
          known,
        );
      });
    }
  });

  test('the store is whole, and no file of it has an address', async () => {
    await assertStopsWhole(shop.gateway);
    assert.deepEqual(filesHolding(shop.gateway.data, part), []);
  });
});

/** Returns all that a client reads: the bytes, and the joined text of the events of a model. */
function saidIn(bytes: Buffer): string {
  const raw = bytes.toString('latin1');
  return `${raw}\n${Array.from(raw.matchAll(/"content":"([^"]*)"/g), ([, content]) => content).join('')}`;
}
