import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyStore } from '@countersign/ledger';
import fc from 'fast-check';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { wholeSight } from '../access/rights.ts';
import type { FindSecrets } from '../recording/found-secrets.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { journalStart } from '../recording/journal-reader.ts';
import { openKeyRows } from '../recording/key-rows.ts';
import type { Recorder } from '../recording/recorder.ts';
import { dayOf, isExpired, startOf } from '../recording/retention.ts';
import { readEntries, SessionOpener } from '../recording/session-reader.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import type { RecordSearch } from '../search/record-search.ts';
import { openRecordSearch } from '../search/testdata/open-record-search.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Erasures, type ErasureStep } from './erasures.ts';
import { Holds, type HoldPerson } from './holds.ts';
import { keepThenDestroy } from './lengthen.ts';
import type { KeepingClass } from './retention-rules.ts';
import { SecretWraps } from './secret-wraps.ts';

const contentDays = 90;
const factsDays = 400;
const ruledDays = 150;
/** A rule that looks at the text, which is known once it is recorded. */
const rule: KeepingClass = { class: 2, query: 'ruled', known: 'later', facts: factsDays, content: ruledDays, floor: null };
const ann: HoldPerson = { id: 'ann', onBehalfOf: null, address: '127.0.0.1' };
const bob: HoldPerson = { ...ann, id: 'bob' };

/** With this the text of a request is known to be SQL. */
const opens = { principal: 'bot', groups: [], clientAddress: '127.0.0.1', target: 'shop', protocol: 'postgres' };

interface Said {
  readonly session: string;
  readonly day: number;
  readonly isRuled: boolean;
}

interface Opened {
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  readonly holds: Holds;
  readonly run: () => Promise<void>;
  readonly search: RecordSearch;
  /** Resolves when nothing reads the store any more. */
  readonly leave: () => Promise<void>;
}

/** A store whose clock is set, with what keeps and erases in it. A restart opens it again. */
class World implements AsyncDisposable {
  readonly data = mkdtempSync(join(tmpdir(), 'countersign-holds-'));
  nowMs = startOf(20_000) + 1;
  /** Most records in a block of the index. */
  rowsMax = 10;
  readonly said: Said[] = [];
  /** The sessions that are held, by matter. */
  readonly held = new Map<string, string>();
  /** The step of the next erasure at which the process ends. */
  crashAt: ErasureStep | null = null;
  #isIndexBehind = false;
  #opened: Opened | null = null;

  async open(): Promise<void> {
    const { recorder, keys } = await openRecorder(this.data, { clock: () => this.nowMs });
    const onStep = (step: ErasureStep): void => {
      if (step === this.crashAt) {
        this.crashAt = null;
        throw new Error('crash');
      }
    };
    const database = openSqlite(join(this.data, 'records.db'), { journal: 'wal' });
    const { search, maker, follower } = await openRecordSearch(this.data, recorder, keys, { database, rowsMax: this.rowsMax });
    const forget = async (from: number | null): Promise<void> => {
      await follower.dropErased();
      await maker.dropErased(from);
    };
    const erasures = new Erasures({ recorder, keys, forget, onStep });
    await erasures.resume();
    const wraps = new SecretWraps({ recorder, keys });
    const isBehind = (): boolean => this.#isIndexBehind;
    const findSecrets: FindSecrets = async function* (wanted) {
      if (isBehind()) {
        throw new Error('behind');
      }
      await follower.catchUp();
      yield* search.secrets(wanted);
    };
    const holds = new Holds({
      recorder,
      keys,
      wraps,
      findSecrets,
      destroy: async (key, { by, reason }) => {
        await erasures.erase({ cause: 'released', keys: [key], secrets: [], why: { by: by.id, reason } });
      },
      now: () => this.nowMs,
      onTrouble: (error) => assert.fail(String(error)),
    });
    const run = async (): Promise<void> => {
      const expired = keys.classDays().filter((key) => isExpired(key, dayOf(this.nowMs)));
      const destroy = async (): Promise<void> => {
        await erasures.erase({ cause: 'expired', keys: expired, secrets: [], why: { by: null } });
      };
      await keepThenDestroy(expired, destroy, { keys, holds, wraps, findSecrets, classes: () => [rule], now: () => this.nowMs });
    };
    this.#opened = {
      recorder,
      keys,
      holds,
      run,
      leave: async () => {
        await search.catchUp();
        await follower[Symbol.asyncDispose]();
        database.close();
      },
      search,
    };
  }

  get #parts(): Opened {
    assert.ok(this.#opened !== null);
    return this.#opened;
  }

  /** Records a session with a statement, in parts where `parts` is more than 1. */
  say(isRuled: boolean, parts = 1): Said {
    const { recorder } = this.#parts;
    const track = recorder.openSession();
    recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 1, action: 'gateway.authenticate', verdict: 'allow', opens }), content: [] });
    const meta = { channel: 1, action: 'postgres.query', verdict: 'allow' };
    for (let part = 1; part < parts; part++) {
      recorder.append(track, {
        kind: 'request',
        meta: JSON.stringify({ ...meta, ...(part === 1 ? {} : { request: 1 }) }),
        content: [Buffer.from('Q1234begun ')],
        continues: true,
      });
    }
    const content = [Buffer.from(isRuled ? 'SELECT ruled' : 'SELECT other')];
    recorder.append(track, { kind: 'request', meta: JSON.stringify({ ...meta, ...(parts === 1 ? {} : { request: 1 }) }), content });
    recorder.closeSession(track, 'client');
    const said = { session: track.id, day: dayOf(this.nowMs), isRuled };
    this.said.push(said);
    return said;
  }

  async hold(matter: string, { session }: Said, query = `session:${session}`): Promise<void> {
    if (!this.held.has(matter)) {
      await this.#parts.holds.create(ann, { matter, query, reason: 'letter' });
      this.held.set(matter, session);
    }
  }

  async release(matter: string): Promise<void> {
    if (this.held.delete(matter)) {
      await assert.rejects(this.#parts.holds.release(ann, { matter, reason: 'over' }), { code: 'refused' });
      await this.#unlessCrashed(async () => this.#parts.holds.release(bob, { matter, reason: 'over' }));
    }
  }

  /** Lets days pass, and then the run of retention. */
  async pass(days: number): Promise<void> {
    this.nowMs += startOf(days);
    await this.#unlessCrashed(async () => this.#parts.run());
  }

  async runWithoutIndex(): Promise<void> {
    this.#isIndexBehind = true;
    await assert.rejects(this.#parts.run(), /behind/);
    this.#isIndexBehind = false;
  }

  /** Returns the sessions of which the content can be read. */
  async readable(): Promise<readonly string[]> {
    const { recorder, keys } = this.#parts;
    await recorder.publish();
    const found: string[] = [];
    for (const { session } of this.said) {
      const opener = new SessionOpener(keys);
      for await (const raw of readEntries(this.data, session, { from: journalStart })) {
        const { kind, content } = opener.open(raw);
        found.push(...(kind === 'request' && content !== null ? [session] : []));
      }
    }
    return found;
  }

  /** Returns the sessions that are found, by default by a word of their content and by a fact of it, oldest first. */
  async found(query = '(ruled or other) action:postgres.query'): Promise<readonly string[]> {
    const { recorder, search } = this.#parts;
    const checkpoint = await recorder.publish();
    const sessions = new Set<string>();
    const wanted = { besides: [], limit: 1000, before: null, answer: 'records' as const, sight: wholeSight, nowMs: this.nowMs, checkpoint };
    for await (const line of search.search({ query, ...wanted })) {
      if ('summary' in line) {
        // Days pass at once for the recorder, so it may add the record of a pause meanwhile, which is not in the index yet.
        assert.equal(line.summary.count, sessions.size);
      } else if ('session' in line) {
        sessions.add(line.session);
      }
    }
    return this.said.flatMap(({ session }) => (sessions.has(session) ? [session] : []));
  }

  /** Returns the verdict of a verifier that has the keys and judges retention on this day. */
  async verdict(): Promise<string> {
    await this.#parts.recorder.publish();
    using keyRows = openKeyRows(join(this.data, 'keys.db'));
    const { verdict, findings } = await verifyStore(openStoreFiles(this.data), { keyRows, now: () => this.nowMs, retentionAtMs: this.nowMs });
    return `${verdict}: ${findings.map(({ what }) => what).join('; ')}`;
  }

  async restart(): Promise<void> {
    await this.#close();
    await this.open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    rmSync(this.data, { recursive: true });
  }

  async #unlessCrashed(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'crash') {
        throw error;
      }
      await this.restart();
    }
    this.crashAt = null;
  }

  async #close(): Promise<void> {
    const { recorder, keys, holds, leave } = this.#parts;
    await holds[Symbol.asyncDispose]();
    await leave();
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
  }
}

test('a hold beats a ceiling, of two holds one is enough, and with the last what has expired is gone', async () => {
  await using world = new World();
  await world.open();
  const [one] = [world.say(false), world.say(false)];
  await world.hold('first', one);
  await world.hold('second', one);
  await world.pass(contentDays + 1);
  assert.deepEqual(await world.readable(), [one.session]);
  await world.release('first');
  assert.deepEqual(await world.readable(), [one.session]);
  await world.release('second');
  assert.deepEqual(await world.readable(), []);
});

test('what holds alone keep is found by its words and its facts until the last of them is released, and what they do not keep is not', async () => {
  await using world = new World();
  await world.open();
  const [one, other] = [world.say(false), world.say(false)];
  const [ruled] = [world.say(true)];
  assert.deepEqual(await world.found(), [one.session, other.session, ruled.session]);
  await world.hold('first', one);
  await world.hold('second', one);
  await world.pass(contentDays + 1);
  assert.deepEqual(await world.found(), [one.session, ruled.session]);
  await world.hold('third', ruled);
  // The class of the rule ends, and then all facts do.
  await world.pass(ruledDays - contentDays);
  assert.deepEqual(await world.found(), [one.session, ruled.session]);
  await world.pass(factsDays);
  assert.deepEqual(await world.found(), [one.session, ruled.session]);
  await world.release('third');
  await world.release('first');
  assert.deepEqual(await world.found(), [one.session]);
  await world.restart();
  assert.deepEqual(await world.found(), [one.session]);
  await world.release('second');
  assert.deepEqual(await world.found(), []);
});

test('a statement in so many parts that it cannot be read without its session is found past its day, too', async () => {
  await using world = new World();
  world.rowsMax = 2050;
  await world.open();
  const said = world.say(false, 2100);
  await world.hold('first', said, 'other');
  await world.pass(contentDays + 1);
  assert.deepEqual(await world.found('"begun t other"'), [said.session]);
});

test('a rule that looks at what is recorded lengthens from the day of the record, and nothing is destroyed while nobody can ask it', async () => {
  await using world = new World();
  await world.open();
  const [ruled, other] = [world.say(true), world.say(false)];
  world.nowMs += startOf(contentDays + 1);
  await world.runWithoutIndex();
  assert.deepEqual(await world.readable(), [ruled.session, other.session]);
  await world.pass(0);
  assert.deepEqual(await world.readable(), [ruled.session]);
  await world.pass(ruledDays - contentDays - 1);
  assert.deepEqual(await world.readable(), [ruled.session]);
  await world.pass(1);
  assert.deepEqual(await world.readable(), []);
});

test('a run that comes late destroys at once what a rule kept longer, but not until today', async () => {
  await using world = new World();
  await world.open();
  world.say(true);
  await world.pass(ruledDays + 1);
  assert.deepEqual(await world.readable(), []);
});

const crash = fc.constantFrom<(ErasureStep | null)[]>(null, null, 'announced', 'confirmed', 'destroyed', 'forgotten', 'completed');
const matter = fc.constantFrom('a', 'b');
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('say' as const), isRuled: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hold' as const), matter, at: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), matter, crash }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), days: fc.integer({ min: 20, max: 50 }), crash }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

test('whatever is held, released and lengthened, and wherever it crashes, nothing is lost early, and nothing stays that nothing keeps', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 10 }), async (steps) => {
      await using world = new World();
      await world.open();
      world.say(true);
      let kept = new Set<string>();
      for (const each of steps) {
        if (each.do === 'say') {
          world.say(each.isRuled);
        } else if (each.do === 'hold') {
          await world.hold(each.matter, world.said[each.at % world.said.length] ?? assert.fail());
        } else if (each.do === 'release') {
          world.crashAt = each.crash;
          await world.release(each.matter);
        } else if (each.do === 'pass') {
          world.crashAt = each.crash;
          await world.pass(each.days);
        } else {
          await world.restart();
        }
        const today = dayOf(world.nowMs);
        const held = new Set(world.held.values());
        const isKept = ({ session, day, isRuled }: Said): boolean =>
          day + (isRuled ? ruledDays : contentDays) >= today || (held.has(session) && (kept.has(session) || day === today));
        kept = new Set(world.said.filter(isKept).map(({ session }) => session));
        assert.deepEqual(await world.readable(), [...kept]);
        assert.deepEqual(await world.found(), [...kept]);
      }
      assert.equal(await world.verdict(), 'holds: ');
    }),
    { numRuns: 4, endOnFailure: true },
  );
});
