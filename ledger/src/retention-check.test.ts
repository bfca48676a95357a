import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyRows } from './key-check.ts';
import { commitWithCheckpoint, filesOf } from './testdata/golden-store.ts';
import { StoreWriter, treeHash, witnessOf, type Kind } from './testdata/store-writer.ts';
import { verifyStore } from './verify-store.ts';
import { parseWitnessPolicy } from './witness-policy.ts';

const dayMs = 86_400_000;
const [hash, other] = ['ab'.repeat(32), 'cd'.repeat(32)];
/** The day on which the records of these tests are made. */
const today = Math.floor(new StoreWriter().timeMs / dayMs);
const never = 0xffff_ffff;

type Key = readonly [retentionClass: number, day: number, wrapped: string];
type Written = readonly [kind: Kind, body: object];

const past: Key = [1, today - 1, hash];
const future: Key = [1, today + 1, hash];
const hold: Key = [32_768, never, hash];
/** Secrets whose facts are of class 1 and whose content is of class 2. */
const secrets: Written = ['secrets', { secrets: hash, key: 7, meta: [1, today + 90], content: [2, today + 90] }];

const forEver: Written = ['secrets', { secrets: hash, key: 7, meta: [1, today + 90], content: [2, never] }];

/** The log has `epoch` as its first record, and then these. */
function announce(...keys: readonly Key[]): readonly Written[] {
  return keys.map(([classId, day, wrapped]) => ['key', { class: classId, day, wrapped }]);
}

function intent(cause: string, ...keys: readonly Key[]): Written {
  return ['erasure', { phase: 'intent', cause, keys, secrets: [], copies: [] }];
}

function erase(...named: readonly (readonly [key: number, slot: number])[]): Written {
  return ['erasure', { phase: 'intent', cause: 'erased', keys: [], secrets: named, copies: [] }];
}

/** Stands for the completion of the last intent before it, but for the secrets that it names. */
interface Completion {
  readonly kept: readonly (readonly [key: number, slot: number])[];
}

const complete: Completion = { kept: [] };

function completeBut(...kept: Completion['kept']): Completion {
  return { kept };
}

function floorOf(classId: number, floor: number | null): Written {
  return ['keep', { class: classId, content: 90, facts: 90, floor }];
}

/** Says for how long the classes are kept of which `secrets` are. */
function keep(facts: number | null, content: number | null): readonly Written[] {
  return [1, 2].map((classId) => ['keep', { class: classId, content, facts, floor: null }]);
}

function holdOn(what: 'create' | 'release'): Written {
  return ['hold', { what, class: 32_768 }];
}

const wrapByHold: Written = ['wrap', { class: 32_768, day: never, wraps: [[7, 2, hash]] }];

/** Contents that a class keeps for longer than the class under which they were recorded. */
function wrapFor(day: number): readonly Written[] {
  return [['wrap', { class: 2, day, wraps: [[7, 2, hash]] }]];
}

interface Case {
  readonly what: string;
  readonly log: readonly (Written | Completion)[];
  /** The keys in the key store afterwards. */
  readonly there?: readonly Key[];
  /** The secrets that are not there afterwards. Absent: those of which the log says it, which are contents. */
  readonly gone?: readonly number[];
  /** The findings by plain `verify`, and with retention. Absent: none. */
  readonly plain?: RegExp;
  readonly strict?: RegExp;
  /** With retention it is judged for a day so many days later. */
  readonly later?: number;
  /** By the clock of the log all this is so many days after it is verified. */
  readonly ahead?: number;
}

const cases: readonly Case[] = [
  { what: 'keys that are there', log: announce(past, future), there: [past, future] },
  { what: 'expired and deleted', log: [...announce(past), intent('expired', past), complete] },
  { what: 'gone without an erasure after its day', log: announce(past), strict: /is gone, and no erasure says why/ },
  { what: 'gone without an erasure before its day', log: announce(future), plain: /is not in the key store/, strict: /is not in the key store/ },
  { what: 'expired before its day', log: [...announce(future), intent('expired', future), complete], strict: /as expired, before that day has passed/ },
  { what: 'erased before its day', log: [...announce(future), intent('erased', future), complete] },
  { what: 'expired by a clock that is a day fast', log: [...announce(past), intent('expired', past), complete], ahead: 1 },
  {
    what: 'expired by a clock that was set a year ahead',
    log: [...announce(past), intent('expired', past), complete],
    ahead: 365,
    strict: /as expired, before that day has passed/,
  },
  { what: 'the hold that ended', log: [...announce(hold), holdOn('create'), holdOn('release'), intent('released', hold), complete] },
  { what: 'a hold that ended and was not released', log: [...announce(hold), intent('released', hold), complete], strict: /that hold was not released/ },
  { what: 'a hold that expired', log: [...announce(hold), intent('expired', hold), complete], strict: /which is a hold/ },
  { what: 'a key that is no hold and was released', log: [...announce(past), intent('released', past), complete], strict: /which is no hold/ },
  {
    what: 'a released hold, kept for two days',
    log: [...announce(hold), holdOn('release')],
    there: [hold],
    strict: /which was released on .* is kept too long/,
    later: 2,
  },
  { what: 'a hold, kept for ever', log: [...announce(hold), holdOn('create')], there: [hold], later: 5000 },
  { what: 'announced, and not completed on that day', log: [...announce(past), intent('expired', past)], there: [past] },
  { what: 'announced and never completed', log: [...announce(past), intent('expired', past)], strict: /was never completed/, later: 2 },
  { what: 'completed and not announced', log: [['erasure', { phase: 'complete', intent: 0 }]], strict: /was not announced, or was completed before/ },
  {
    what: 'said to be destroyed, and there',
    log: [...announce(past), intent('expired', past), complete],
    there: [past],
    plain: /the log says that it was destroyed/,
    strict: /the log says that it was destroyed/,
  },
  {
    what: 'another key of that class and day destroyed',
    log: [...announce(past), intent('expired', [1, today - 1, other]), complete],
    strict: /no erasure says why/,
  },
  { what: 'kept a day longer than a day', log: announce([1, today - 2, hash]), there: [[1, today - 2, hash]], strict: /is kept too long/ },
  { what: 'another key in its place', log: announce(future), there: [[1, today + 1, other]], plain: /another key/, strict: /another key/ },
  { what: 'both erased', log: [secrets, erase([7, 1], [7, 2]), complete], gone: [1, 2] },
  {
    what: 'both erased, and the contents put back',
    log: [secrets, erase([7, 1]), complete, erase([7, 2]), complete],
    gone: [1],
    plain: /^retention: the secret of the contents of number 7 is in the key store, and the log says that it was destroyed$/,
    strict: /contents of number 7 is in the key store/,
  },
  {
    what: 'both erased, and the facts put back',
    log: [secrets, erase([7, 1]), complete, erase([7, 2]), complete],
    gone: [2],
    plain: /^retention: the secret of the facts of number 7 is in the key store, and the log says that it was destroyed$/,
    strict: /facts of number 7 is in the key store/,
  },
  {
    what: 'one erased, and both gone',
    log: [secrets, erase([7, 2]), complete],
    gone: [1, 2],
    plain: /^retention: the secret of the facts of number 7 is not in the key store, and no erasure names it$/,
    strict: /no erasure names it/,
  },
  { what: 'left out of an erasure, for a hold that came in between', log: [secrets, erase([7, 1], [7, 2]), wrapByHold, completeBut([7, 2])], gone: [1] },
  {
    what: 'left out of an erasure for no hold',
    log: [secrets, erase([7, 1], [7, 2]), completeBut([7, 2])],
    gone: [1],
    strict: /it leaves out a secret of number 7, and no hold has it/,
  },
  {
    what: 'said to be left out, and gone',
    log: [secrets, erase([7, 2]), wrapByHold, completeBut([7, 2])],
    gone: [2],
    plain: /^integrity: the key store holds another key than it announces$/,
    strict: /another key/,
  },
  {
    what: 'erased though a hold came in between',
    log: [secrets, erase([7, 2]), wrapByHold, complete],
    strict: /it destroys a secret of number 7, and hold 32768 has it/,
  },
  {
    what: 'left out of an erasure that does not name it',
    log: [secrets, erase([7, 2]), wrapByHold, completeBut([7, 2], [8, 1])],
    gone: [],
    strict: /it leaves out a secret that was not announced/,
  },
  { what: 'erased without a floor', log: [...keep(90, 90), secrets, erase([7, 2]), complete] },
  { what: 'erased below the floor of another class', log: [floorOf(1, 30), floorOf(2, null), secrets, erase([7, 2]), complete] },
  { what: 'erased below its floor', log: [floorOf(2, 30), secrets, erase([7, 2]), complete], strict: /the floor of its class protects it until/ },
  {
    what: 'erased below a floor that ended later',
    log: [floorOf(2, 30), secrets, floorOf(2, null), erase([7, 2]), complete],
    strict: /the floor of its class/,
  },
  {
    what: 'all of a day erased below its floor',
    log: [floorOf(2, 30), ...announce([2, today + 90, hash]), secrets, intent('erased', [2, today + 90, hash]), complete],
    strict: /the floor of its class/,
  },
  { what: 'erased from under a hold', log: [secrets, wrapByHold, erase([7, 2]), complete], strict: /hold 32768 has it/ },
  {
    what: 'a key that is announced after an erasure named it',
    log: [intent('erased', future), complete, ...announce(future)],
    plain: /the log says before that what it announces is destroyed/,
    strict: /the log says before that what it announces is destroyed/,
  },
  {
    what: 'secrets that are announced after an erasure named them',
    log: [erase([7, 1], [7, 2]), complete, secrets],
    gone: [1, 2],
    plain: /^retention: the log says before that what it announces is destroyed/,
    strict: /the log says before that what it announces is destroyed/,
  },
  {
    what: 'a hold that was released before it was set',
    log: [holdOn('release'), ...announce(hold), holdOn('create'), intent('released', hold), complete],
    strict: /it sets a hold with the number of one that was released[^]*that hold was not released/,
  },
  {
    what: 'a hold that was released, set again and ended',
    log: [...announce(hold), holdOn('create'), holdOn('release'), holdOn('create'), intent('released', hold), complete],
    strict: /it sets a hold with the number of one that was released[^]*that hold was not released/,
  },
  {
    what: 'a day that no calendar has',
    log: [intent('released', [1, 2 ** 50, hash]), complete],
    strict: /day number 1125899906842624 as released, which is no hold/,
  },
  { what: 'secrets for the days that the log says', log: [...keep(90, 90), secrets], gone: [] },
  { what: 'secrets that were made before midnight', log: [...keep(91, 91), secrets], gone: [] },
  { what: 'secrets of before a change that is being recorded', log: [...keep(90, 90), ...keep(400, 400), secrets], gone: [] },
  { what: 'facts that are not kept as long as the log says', log: [...keep(400, 90), secrets], strict: /keep facts of class 1 until .*, and .* for 400 days$/ },
  { what: 'contents that are kept longer than the log says', log: [...keep(90, 7), secrets], strict: /keep content of class 2 until .*, and .* for 7 days$/ },
  { what: 'contents that the log keeps for ever, for some days', log: [...keep(90, null), secrets], strict: /content of class 2 .* for ever$/ },
  {
    what: 'contents for ever, that the log keeps for some days',
    log: [...keep(90, 90), forEver],
    plain: /under another class or day/,
    strict: /content of class 2 until never, .* for 90 days$/,
  },
  { what: 'secrets of a class of which the log says nothing', log: [floorOf(1, null), secrets], strict: /of class 2, and the log does not say for how long/ },
  { what: 'wrapped for as long as the log says', log: [...keep(400, 90), ...wrapFor(today + 90)] },
  { what: 'wrapped for as long as the log said once', log: [...keep(400, 400), ...keep(90, 90), ...wrapFor(today + 400)] },
  {
    what: 'wrapped for longer than the log says',
    log: [...keep(400, 90), ...wrapFor(today + 92)],
    strict: /class 2 until .*, which is longer than the log has said/,
  },
  { what: 'wrapped for ever', log: [...keep(null, 90), ...wrapFor(never)], strict: /class 2 until never, which is longer than the log has said/ },
  { what: 'wrapped for ever, as the log says', log: [...keep(null, null), ...wrapFor(never)] },
  {
    what: 'wrapped under a class of which the log says nothing',
    log: [floorOf(1, null), ...wrapFor(today + 90)],
    strict: /which is longer than the log has said/,
  },
  { what: 'erased after the hold ended', log: [secrets, wrapByHold, holdOn('release'), erase([7, 2]), complete] },
];

/** `gone`: the secrets of the row that are not there, 1 facts, 2 contents. */
function rowsOf(there: readonly Key[], gone: readonly number[]): KeyRows {
  return {
    check: () => undefined,
    hasSecret: (_key, slot) => !gone.includes(slot),
    secrets: () => ({ hash: gone.length > 0 ? '' : hash, meta: { class: 1, day: today + 90 }, content: { class: 2, day: today + 90 } }),
    classKey: (ofClass, day) => there.find((key) => key[0] === ofClass && key[1] === day)?.[2] ?? null,
    wraps: () => [],
    wrap: ({ slot }) => (gone.includes(slot) ? null : hash),
    classDays: () => there.map(([classId, day]) => ({ class: classId, day })),
  };
}

for (const { what, log, there = [], gone, plain, strict, later = 0, ahead = 0 } of cases) {
  test(`retention: ${what}`, async () => {
    const writer = new StoreWriter();
    writer.start(null);
    let announced = 0;
    for (const each of log) {
      const kept = 'kept' in each && each.kept.length > 0 ? { kept: each.kept } : {};
      const [kind, meta] = 'kept' in each ? (['erasure', { phase: 'complete', intent: announced, ...kept }] as const) : each;
      announced = 'copies' in meta ? writer.leafHashes.length : announced;
      writer.record(writer.gateway, kind, { meta });
    }
    commitWithCheckpoint(writer);
    writer.publish();
    const options = {
      keys: [writer.signer.vkey],
      keyRows: rowsOf(there, gone ?? (JSON.stringify(log).includes('"secrets":[[') ? [2] : [])),
      now: () => writer.timeMs - ahead * dayMs,
    };
    const findingsOf = async (more: { readonly retentionAtMs?: number }): Promise<string> => {
      const { findings } = await verifyStore(filesOf(writer.files), { ...options, ...more });
      return findings.map(({ code, what: words }) => `${code}: ${words}`).join('\n');
    };
    const found = { plain: await findingsOf({}), strict: await findingsOf({ retentionAtMs: writer.timeMs + (later - ahead) * dayMs }) };
    for (const [how, expected] of [['plain', plain] as const, ['strict', strict] as const]) {
      if (expected === undefined) {
        assert.equal(found[how], '', how);
      } else {
        assert.match(found[how], expected, how);
      }
    }
  });
}

test('an erasure is not of a later day than witnesses say that it was there, whatever the clock of the log says', async () => {
  const writer = new StoreWriter();
  writer.start(null);
  const witness = witnessOf('one.example/w', 1);
  const nowS = Math.floor(writer.timeMs / 1000);
  const yearAgoS = nowS - 365 * 86_400;
  const recordAll = (log: readonly Written[]): void => {
    for (const [kind, meta] of log) {
      writer.record(writer.gateway, kind, { meta });
    }
    commitWithCheckpoint(writer);
  };
  recordAll(announce(past));
  const early = writer.note + witness.cosign(writer.note, yearAgoS);
  recordAll([intent('expired', past), ['erasure', { phase: 'complete', intent: writer.leafHashes.length }]]);
  writer.publish();
  const size = writer.leafHashes.length;
  const strict = { keys: [writer.signer.vkey], keyRows: rowsOf([], []), now: () => writer.timeMs, retentionAtMs: writer.timeMs };
  const findingsOf = async (more: Partial<Parameters<typeof verifyStore>[1]>, cosignedS: number): Promise<string> => {
    const newest = writer.note + witness.cosign(writer.note, cosignedS);
    const cosigned = new Map([
      ['log/cosigned', Buffer.from(newest)],
      [`log/cosigned.kept/1`, Buffer.from(early)],
    ]);
    const { findings } = await verifyStore(filesOf(new Map([...writer.files, ...cosigned])), { ...strict, ...more });
    return findings.map(({ code, what: words }) => `${code}: ${words}`).join('\n');
  };
  const witnesses = parseWitnessPolicy(Buffer.from(`witness one ${witness.vkey}\nquorum one\n`));
  const tooEarly = /^retention: it destroys the key of class 1 and day .* as expired, before that day has passed$/;
  assert.equal(await findingsOf({}, yearAgoS), '', 'nobody is asked whose cosignatures count');
  assert.match(await findingsOf({ witnesses }, yearAgoS), tooEarly);
  assert.equal(await findingsOf({ witnesses }, nowS - 86_400), '', 'the checkpoint of a year ago did not have the erasure');
  const anchored = (timeS: number): Partial<Parameters<typeof verifyStore>[1]> => ({
    anchored: { keys: [writer.signer.vkey], trees: [{ size, root: treeHash(writer.leafHashes), timeS, entry: 1 }] },
  });
  assert.match(await findingsOf(anchored(yearAgoS), yearAgoS), tooEarly);
  assert.equal(await findingsOf(anchored(nowS), yearAgoS), '');
});
