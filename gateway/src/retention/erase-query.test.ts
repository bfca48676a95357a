import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseVerifierKey, parseWitnessPolicy, verifyStore } from '@countersign/ledger';
import { decodeLeaf, frameEntries } from '@countersign/ledger/format';
import { freePort } from '../../../cli/src/demo/free-port.ts';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { requireCosigned } from '../assembly/cosigned-erasures.ts';
import { GatewayError } from '../domain/errors.ts';
import type { FindSecrets } from '../recording/found-secrets.ts';
import { openKeyRows } from '../recording/key-rows.ts';
import { readEntries, SessionOpener } from '../recording/session-reader.ts';
import { isPlacedFrame, journalStart, readJournal } from '../recording/journal-reader.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import type { Recorder } from '../recording/recorder.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openRecordSearch } from '../search/testdata/open-record-search.ts';
import { openSqliteReadOnly } from '../store/sqlite.ts';
import { Cosigning } from '../witnesses/cosigning.ts';
import { Witness } from '../witnesses/witness.ts';
import { WitnessServer } from '../witnesses/witness-server.ts';
import { eraseQuery, type ErasePlan } from './erase-query.ts';
import { Erasures } from './erasures.ts';
import { Holds } from './holds.ts';
import { SecretWraps } from './secret-wraps.ts';
import { WaitingErasures } from './waiting-erasures.ts';

const ann = { id: 'ann', onBehalfOf: null, address: '127.0.0.1' };
const bob = { ...ann, id: 'bob' };
const opens = { principal: 'bot', groups: [], clientAddress: '127.0.0.1', target: 'shop', protocol: 'postgres' };

interface World {
  readonly data: string;
  readonly recorder: Recorder;
  readonly holds: Holds;
  readonly erasures: Erasures;
  readonly waiting: WaitingErasures;
  /** Begins a session, and returns its id, and a function that records a statement in it. */
  readonly begin: () => { readonly id: string; readonly say: (text: string) => void };
  readonly erase: (query: string, onAnnounced?: () => void) => Promise<ErasePlan>;
  /** Called when an erasure is looked up, and when the witnesses are asked. */
  on: { looked: () => void; asked: (checkpoint: PublishedCheckpoint) => Promise<void> };
  /** Returns the texts of statements that can be read in a session. */
  readonly readable: (session: string) => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

async function openWorld(t: TestContext): Promise<World> {
  const data = mkdtempSync(join(tmpdir(), 'countersign-erase-query-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  const { recorder, keys } = await openRecorder(data);
  const { search, maker, follower } = await openRecordSearch(data, recorder, keys);
  const findSecrets: FindSecrets = (wanted) => search.secrets(wanted);
  const erasures: Erasures = new Erasures({
    recorder,
    keys,
    confirm: async (checkpoint) => world.on.asked(checkpoint),
    keptByHolds: async (secrets) => holds.keptOf(secrets),
    forget: async (from) => {
      await follower.dropErased();
      await maker.dropErased(from);
    },
  });
  const wraps = new SecretWraps({ recorder, keys });
  const holds: Holds = new Holds({
    recorder,
    keys,
    wraps,
    findSecrets,
    destroy: async (key, { by, reason }) => {
      await erasures.erase({ cause: 'released', keys: [key], secrets: [], why: { by: by.id, reason } });
    },
    now: Date.now,
    onTrouble: assert.ifError,
  });
  const world: World = {
    data,
    recorder,
    holds,
    erasures,
    waiting: new WaitingErasures({ rows: keys.waitingErasures, log: recorder, newId: () => 'er_1', now: Date.now }),
    on: { looked: () => undefined, asked: async () => Promise.resolve() },
    begin: () => {
      const session = recorder.openSession();
      recorder.append(session, {
        kind: 'decision',
        meta: JSON.stringify({ channel: 1, action: 'gateway.authenticate', verdict: 'allow', opens }),
        content: [],
      });
      return {
        id: session.id,
        say: (text) => {
          recorder.append(session, {
            kind: 'request',
            meta: JSON.stringify({ channel: 1, action: 'postgres.query', verdict: 'allow' }),
            content: [Buffer.from(text)],
          });
        },
      };
    },
    erase: async (query, onAnnounced) => {
      const findErasable: Parameters<typeof eraseQuery>[0]['findErasable'] = async (wanted) => {
        const found = await search.erasable(wanted);
        world.on.looked();
        return found;
      };
      const parts = { recorder, keys, holds, erasures, findSecrets, classes: () => [], now: Date.now, findErasable };
      return eraseQuery(parts, { persons: [ann], ...(onAnnounced === undefined ? {} : { onAnnounced }) }, { query, reason: 'request', facts: false });
    },
    readable: async (session) => {
      await recorder.publish();
      const opener = new SessionOpener(keys);
      const texts: string[] = [];
      for await (const raw of readEntries(data, session, { from: journalStart })) {
        const { kind, content } = opener.open(raw);
        texts.push(...(kind === 'request' && content !== null ? [Buffer.from(content).toString()] : []));
      }
      return texts;
    },
    close: async () => {
      await holds[Symbol.asyncDispose]();
      await search.catchUp();
      await follower[Symbol.asyncDispose]();
      await recorder[Symbol.asyncDispose]();
      keys[Symbol.dispose]();
    },
  };
  return world;
}

interface OpenedWitness extends AsyncDisposable {
  /** Asks the witness, which nobody reaches before `serve`. */
  readonly ask: (checkpoint: PublishedCheckpoint) => Promise<void>;
  readonly serve: () => Promise<void>;
}

/** Opens a witness of the log. */
async function openWitness(t: TestContext, { data, recorder }: World): Promise<OpenedWitness> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-erase-witness-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const parts = new AsyncDisposableStack();
  await recorder.publish();
  const log = parseVerifierKey(readFileSync(join(data, 'log', 'key'), 'utf8').trim());
  const witness = parts.use(await Witness.open({ data: join(directory, 'one'), name: 'one.example', logs: [log], now: Date.now }));
  const port = await freePort();
  const policy = parseWitnessPolicy(Buffer.from(`witness one ${witness.vkey} http://127.0.0.1:${port}\nquorum one\n`));
  const cosigning = parts.use(
    new Cosigning({
      directory: join(data, 'log'),
      handovers: async () => Promise.resolve([]),
      settings: { policy, caFile: null, lostMs: 60_000 },
      now: Date.now,
      onNews: () => undefined,
      onTrouble: () => undefined,
    }),
  );
  cosigning.begin(() => recorder.published);
  let isServed = false;
  return {
    ask: async (checkpoint) => requireCosigned(cosigning, checkpoint, isServed ? undefined : 100),
    serve: async () => {
      parts.use(await WitnessServer.open({ host: '127.0.0.1', port, witness, onTrouble: () => undefined }));
      isServed = true;
    },
    [Symbol.asyncDispose]: async () => parts.disposeAsync(),
  };
}

/** Returns the verdict of a verifier that has the keys and judges retention. */
async function verdictOf(data: string): Promise<string> {
  using keyRows = openKeyRows(join(data, 'keys.db'));
  const { verdict, findings } = await verifyStore(openStoreFiles(data), { keyRows, retentionAtMs: Date.now() });
  return `${verdict}: ${findings.map(({ what }) => what).join('; ')}`;
}

test('a hold keeps what is recorded after it was looked for what is to be erased', async (t) => {
  const world = await openWorld(t);
  const { say } = world.begin();
  await world.holds.create(ann, { matter: 'case', query: 'pear', reason: 'letter' });
  say('SELECT apple');
  let looks = 0;
  world.on.looked = () => {
    if (looks === 0) {
      say('SELECT pear');
    }
    looks += 1;
  };
  await assert.rejects(world.erase('apple'), { code: 'conflict', message: /the hold for case/ });
  assert.equal(looks, 2);
  await world.close();
});

test('a hold that is set while an announced erasure waits for its witnesses wins, and what it does not keep is erased', async (t) => {
  const world = await openWorld(t);
  const [held, other] = [world.begin(), world.begin()];
  held.say('SELECT apple');
  other.say('SELECT apple pie');
  await using witness = await openWitness(t, world);
  world.on.asked = witness.ask;
  await assert.rejects(world.erase('apple'), /The witnesses have not cosigned/);
  assert.deepEqual([await world.readable(held.id), await world.readable(other.id)], [['SELECT apple'], ['SELECT apple pie']]);
  await world.holds.create(ann, { matter: 'case', query: `session:${held.id}`, reason: 'letter' });
  await witness.serve();
  await world.holds.whileCovered(async () => world.erasures.resume());
  assert.deepEqual([await world.readable(held.id), await world.readable(other.id)], [['SELECT apple'], []]);
  await world.close();
  assert.equal(await verdictOf(world.data), 'holds: ');
});

test('a hold that is asked for while the witnesses are asked wins too, and who erases is told', async (t) => {
  const world = await openWorld(t);
  const [held, other] = [world.begin(), world.begin()];
  held.say('SELECT apple');
  other.say('SELECT apple pie');
  let created: Promise<unknown> = Promise.resolve();
  world.on.asked = async () => {
    created = world.holds.create(ann, { matter: 'case', query: `session:${held.id}`, reason: 'letter' });
    await waitUntil(() => world.holds.list().length > 0);
  };
  await assert.rejects(world.erase('apple'), { code: 'conflict', message: /A hold was set meanwhile, and keeps 1 of 2 secrets/ });
  await created;
  assert.deepEqual([await world.readable(held.id), await world.readable(other.id)], [['SELECT apple'], []]);
  await world.close();
  assert.equal(await verdictOf(world.data), 'holds: ');
});

test('an erasure that was confirmed and waits for its witnesses is under way, and takes nothing that is recorded meanwhile', async (t) => {
  const world = await openWorld(t);
  const { waiting } = world;
  const { id, say } = world.begin();
  say('SELECT apple');
  const confirm = async (): Promise<ErasePlan> => waiting.confirm('er_1', bob, async ({ query }, onAnnounced) => world.erase(query, onAnnounced));
  const confirmedBy = (): readonly unknown[] => waiting.list().map((each) => each.confirmedBy?.id ?? null);
  waiting.keep(waiting.ask(ann, { query: 'apple', reason: 'request', facts: false }));
  await world.holds.create(ann, { matter: 'case', query: `session:${id}`, reason: 'letter' });
  await assert.rejects(confirm(), { code: 'conflict', message: /the hold for case/ });
  assert.deepEqual(confirmedBy(), [null], 'what fails before it is on record waits again');
  await world.holds.release(bob, { matter: 'case', reason: 'over' });
  await using witness = await openWitness(t, world);
  world.on.asked = witness.ask;
  const first = confirm();
  await assert.rejects(confirm(), { code: 'conflict', message: /confirmed already/ }, 'it is confirmed once at a time');
  await assert.rejects(first, /The witnesses have not cosigned/);
  assert.deepEqual(confirmedBy(), ['bob']);
  say('SELECT apple pie');
  await assert.rejects(confirm(), { code: 'conflict', message: /confirmed already/ });
  await witness.serve();
  await world.holds.whileCovered(async () => world.erasures.resume());
  assert.deepEqual(confirmedBy(), []);
  await assert.rejects(confirm(), { code: 'not_found' });
  assert.deepEqual(await world.readable(id), ['SELECT apple pie']);
  await world.close();
  assert.equal(await verdictOf(world.data), 'holds: ');
});

test('a release that waits for witnesses is on record once, and leaves no wrap', async (t) => {
  const world = await openWorld(t);
  const { id, say } = world.begin();
  say('SELECT apple');
  await world.holds.create(ann, { matter: 'case', query: `session:${id}`, reason: 'letter' });
  world.on.asked = async () => Promise.reject(new GatewayError('conflict', 'no witness answers'));
  const countWraps = (): unknown => {
    using database = openSqliteReadOnly(join(world.data, 'keys.db'));
    return database.get('SELECT count(*) AS count FROM wraps')?.['count'];
  };
  for (const _ of [1, 2]) {
    await assert.rejects(world.holds.release(bob, { matter: 'case', reason: 'over' }), /no witness answers/);
  }
  assert.notEqual(countWraps(), 0);
  world.on.asked = async () => Promise.resolve();
  await world.holds.release(bob, { matter: 'case', reason: 'over' });
  assert.deepEqual([world.holds.list(), countWraps()], [[], 0]);
  await world.close();
  assert.equal(await verdictOf(world.data), 'holds: ');
  const bodies: string[] = [];
  for await (const step of readJournal(world.data, journalStart)) {
    for (const { leaf, storedMeta } of isPlacedFrame(step) && step.frame.header.type === 'batch' ? frameEntries(step.frame) : []) {
      bodies.push(...(decodeLeaf(leaf).kind === 'hold' ? [Buffer.from(storedMeta).toString()] : []));
    }
  }
  assert.equal(bodies.filter((body) => body.includes('"release"')).length, 1, bodies.join());
});
