import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { anchorEntryBytesMax, anchorEntryHash, AnchorHistory, formatAnchorEntry, parseAnchorEntry, type AnchorEntry } from './anchor.ts';
import { AnchorCheck, type AnchorReport } from './anchor-check.ts';
import { formatCheckpoint } from './checkpoint.ts';
import { cosign } from './cosignature.ts';
import { MalformedError } from './malformed.ts';
import { formatWitnessKey, parseNote, type NoteSigner } from './note.ts';
import { flipped } from './testdata/flip-bytes.ts';
import { signerOf, signText } from './testdata/store-writer.ts';
import { decodeUtf8, encodeUtf8 } from './text.ts';
import { encodeEntryBundle, entryBundlePath } from './tile.ts';
import { emptyRoot, Frontier } from './tree.ts';
import { parseWitnessPolicy, type WitnessPolicy } from './witness-policy.ts';

const log = signerOf('countersign/0123456789abcdef', 3);
const second = signerOf('countersign/fedcba9876543210', 4);
const anchor = signerOf('w.example/anchor', 5);
const rootOf = (size: number): Uint8Array => (size === 0 ? emptyRoot : new Uint8Array(32).fill(size));

const enrol = (signer: typeof log, timeS: number, size = 0): AnchorEntry => ({
  kind: 'enrol',
  timeS,
  origin: signer.name,
  size,
  root: rootOf(size),
  vkey: signer.vkey,
});
const seen = (signer: typeof log, timeS: number, size: number): AnchorEntry => ({ kind: 'seen', timeS, origin: signer.name, size, root: rootOf(size) });
const retire = (signer: typeof log, timeS: number, size: number, reason = 'moved'): AnchorEntry => ({
  kind: 'retire',
  timeS,
  origin: signer.name,
  size,
  root: rootOf(size),
  reason,
});

/** Signs an anchor log of these entries, and returns its files. */
function filesOf(entries: readonly Uint8Array[], signedEntries = entries): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([['key', encodeUtf8(`${anchor.vkey}\n`)]]);
  const frontier = new Frontier();
  signedEntries.forEach((entry) => {
    frontier.append(anchorEntryHash(entry));
  });
  for (let at = 0; at < entries.length; at += 256) {
    const bundle = entries.slice(at, at + 256);
    files.set(entryBundlePath(at / 256, bundle.length), encodeEntryBundle(bundle));
  }
  files.set('checkpoint', encodeUtf8(signText(formatCheckpoint({ origin: anchor.name, size: signedEntries.length, root: frontier.root() }), anchor)));
  return files;
}

async function check(files: ReadonlyMap<string, Uint8Array>, known?: string, witnesses?: WitnessPolicy): Promise<AnchorCheck> {
  return AnchorCheck.open(async (path) => Promise.resolve(files.get(path)), { keys: [anchor.vkey], known, witnesses });
}

async function reportOf(
  entries: readonly AnchorEntry[],
  given: readonly (typeof log)[],
  more: { sinceMs?: number; untilMs?: number; maxAgeMs?: number } = {},
): Promise<AnchorReport> {
  const stores = { given: new Set(given.map(({ name }) => name)), nowMs: 10_000_000, ...more };
  return (await check(filesOf(entries.map(formatAnchorEntry)))).finish(stores);
}

void test('an entry is read as it was written, and nothing else is one', () => {
  for (const entry of [enrol(log, 1), seen(log, 2, 7), retire(log, 3, 7, 'Zürich: moved')]) {
    assert.deepEqual(parseAnchorEntry(formatAnchorEntry(entry)), entry);
  }
  const text = decodeUtf8(formatAnchorEntry(seen(log, 2, 7)));
  const [, time = '', , size = ''] = text.split('\n');
  for (const other of [
    '',
    text.slice(0, -1),
    `${text}\n`,
    `${text}more\n`,
    text.replace('seen', 'look'),
    text.replace(`\n${time}\n`, `\n0${time}\n`),
    text.replace(`\n${time}\n`, '\n8640000000001\n'),
    text.replace(`\n${size}\n`, '\n0\n'),
    text.replace('countersign/', 'counter sign/'),
    text.replace('=', ''),
    decodeUtf8(formatAnchorEntry(enrol(log, 1))).replace('countersign/0', 'countersign/1'),
    decodeUtf8(formatAnchorEntry(retire(log, 1, 7))).replace('moved', ' '),
    decodeUtf8(formatAnchorEntry(retire(log, 1, 7))).replace('moved', 'm'.repeat(201)),
    decodeUtf8(formatAnchorEntry(retire(log, 1, 7))).replace('moved', 'm\u0007'),
    text.replace('countersign/', 'c'.repeat(anchorEntryBytesMax)),
  ]) {
    assert.throws(() => parseAnchorEntry(encodeUtf8(other)), MalformedError, other);
  }
});

void test('entries that cannot follow each other are found, each', async () => {
  const begun = [enrol(log, 1), seen(log, 2, 7)];
  const cases: readonly [entry: AnchorEntry, objection: string][] = [
    [seen(second, 3, 1), 'names a log that was not enrolled'],
    [seen(log, 3, 6), 'has fewer records than entry 1'],
    [{ ...seen(log, 3, 7), root: rootOf(8) }, 'has another root than entry 1 at the same size'],
    [enrol(log, 3, 7), 'gives a log a key that it has, or more than 128'],
  ];
  for (const [entry, objection] of cases) {
    const { findings } = await reportOf([...begun, entry], [log, second]);
    assert.deepEqual(findings, [{ code: 'integrity', where: 'anchor entry 2', what: objection }]);
  }
  const { findings } = await reportOf([...begun, retire(log, 3, 7), seen(log, 4, 8)], [log]);
  assert.deepEqual(findings, [{ code: 'integrity', where: 'anchor entry 3', what: 'names a log that was retired' }]);
  const history = new AnchorHistory();
  history.add(null);
  assert.deepEqual([history.size, history.logs.size], [1, 0]);
});

void test('every store of the time that is asked for must be there, and every log must have been seen lately', async () => {
  const entries = [enrol(log, 1000), enrol(second, 2000), seen(log, 2000, 7), retire(log, 3000, 9), seen(second, 3600, 5), seen(second, 4000, 6)];
  const states = async (given: readonly (typeof log)[], more = {}): Promise<unknown> => {
    const { verdict, logs, findings } = await reportOf(entries, given, more);
    return [verdict, ...logs.map(({ store }) => store), ...findings.map(({ where }) => where)];
  };
  assert.deepEqual(await states([log, second]), ['holds', 'given', 'given']);
  assert.deepEqual(await states([second]), ['completeness', 'missing', 'given', `${log.name} (anchor entry 3)`]);
  assert.deepEqual(await states([]), ['completeness', 'missing', 'missing', `${log.name} (anchor entry 3)`, `${second.name} (anchor entry 5)`]);
  assert.deepEqual(await states([second], { sinceMs: 3_000_001 }), ['holds', 'unneeded', 'given']);
  assert.deepEqual(await states([second], { sinceMs: 3_000_000 }), ['completeness', 'missing', 'given', `${log.name} (anchor entry 3)`]);
  assert.deepEqual(await states([log], { untilMs: 2_000_000 }), ['holds', 'given', 'unneeded']);
  assert.deepEqual(await states([log, second], { maxAgeMs: 6_000_000 }), ['holds', 'given', 'given']);
  assert.deepEqual(await states([log, second], { maxAgeMs: 5_999_999 }), ['trust', 'given', 'given', `${second.name} (anchor entry 5)`]);
  const silent = async (gapS: number): Promise<readonly boolean[]> =>
    (await reportOf([enrol(log, 0), enrol(second, 0), seen(log, 1000, 7), seen(second, 1000 + gapS, 7)], [log, second])).logs.map((one) => one.silent);
  assert.deepEqual(
    [await silent(690), await silent(691)],
    [
      [false, false],
      [true, false],
    ],
  );
});

void test('every flipped bit of an anchor log is found, and every entry that is left out', async () => {
  const entries = [enrol(log, 1), ...Array.from({ length: 300 }, (_, i) => seen(log, 2 + i, 7 + i))].map(formatAnchorEntry);
  const whole = filesOf(entries);
  const stores = { given: new Set([log.name]), nowMs: 0 };
  assert.equal((await check(whole)).finish(stores).verdict, 'holds');
  const partial = entryBundlePath(1, 45);
  for (const path of ['key', 'checkpoint', partial]) {
    const bytes = whole.get(path) ?? new Uint8Array(0);
    for (let at = 0; at < bytes.length; at += path === partial ? 7 : 1) {
      const { verdict } = (await check(new Map(whole).set(path, flipped(bytes, at)))).finish(stores);
      assert.notEqual(verdict, 'holds', `${path} at ${at}`);
    }
    const without = new Map(whole);
    without.delete(path);
    assert.equal((await check(without)).finish(stores).verdict, 'completeness', path);
  }
  assert.equal((await check(new Map())).finish(stores).verdict, 'malformed');
  assert.equal((await check(filesOf(entries.slice(0, -1), entries))).finish(stores).verdict, 'completeness');
  assert.equal((await check(filesOf([...entries.slice(0, -2), ...entries.slice(-1)], entries.slice(1)))).finish(stores).verdict, 'integrity');
  // The witness replaces a partial bundle by the full one while it is read.
  const full = new Map(filesOf(entries.slice(0, 250))).set(entryBundlePath(0), whole.get(entryBundlePath(0)) ?? new Uint8Array(0));
  full.delete(entryBundlePath(0, 250));
  assert.equal((await check(full)).finish(stores).verdict, 'holds');
});

void test('an anchor log begins with what a checkpoint of it that was kept signs', async () => {
  const entries = [enrol(log, 1), seen(log, 2, 7), seen(log, 3, 8)].map(formatAnchorEntry);
  const noteOf = (part: readonly Uint8Array[]): string => decodeUtf8(filesOf(part).get('checkpoint') ?? new Uint8Array(0));
  const findings = async (part: readonly Uint8Array[], known: string): Promise<unknown> =>
    (await check(filesOf(part), known)).finish(null).findings.map(({ code, what }) => `${code}: ${what}`);
  for (let size = 0; size <= entries.length; size++) {
    assert.deepEqual(await findings(entries, noteOf(entries.slice(0, size))), [], `of ${size} entries`);
  }
  assert.deepEqual(await findings(entries.slice(0, 2), noteOf(entries)), ['trust: has the size 3: the anchor log, with 2, is older']);
  assert.deepEqual(await findings(entries, noteOf([...entries.slice(0, 1), formatAnchorEntry(seen(log, 2, 9))])), ['trust: is of another history']);
  assert.deepEqual(await findings(entries, signText(`${log.name}\n0\n${Buffer.from(emptyRoot).toString('base64')}\n`, log)), [
    'trust: not signed by a trusted key',
  ]);
});

void test('the checkpoint of an anchor log that other witnesses cosigned is one of its history, meets the policy, and is not too old', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const witness: NoteSigner = {
    name: 'second.example',
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
    sign: (message) => sign(null, message, privateKey),
  };
  const policyOf = (quorum: string): WitnessPolicy => parseWitnessPolicy(encodeUtf8(`witness second ${formatWitnessKey(witness)}\nquorum ${quorum}\n`));
  const entries = [enrol(log, 1), seen(log, 2, 7), seen(log, 3, 8)].map(formatAnchorEntry);
  const cosigned = (part: readonly Uint8Array[], change = (line: string): string => line): Uint8Array => {
    const note = decodeUtf8(filesOf(part).get('checkpoint') ?? new Uint8Array(0));
    return encodeUtf8(note + change(cosign(parseNote(encodeUtf8(note)).text, witness, 1000)));
  };
  const findings = async (files: ReadonlyMap<string, Uint8Array>, quorum = 'second', maxAgeMs = Infinity): Promise<unknown> => {
    const report = (await check(files, undefined, policyOf(quorum))).finish({ given: new Set([log.name]), nowMs: 1_060_000, maxAgeMs });
    return report.findings.filter(({ where }) => where === 'anchor/cosigned').map(({ code, what }) => `${code}: ${what}`);
  };
  const files = filesOf(entries);
  const withCosigned = (bytes: Uint8Array): ReadonlyMap<string, Uint8Array> => new Map(files).set('cosigned', bytes);
  assert.deepEqual(await findings(files), ['trust: missing']);
  assert.deepEqual(await findings(files, 'none'), []);
  assert.deepEqual(await findings(withCosigned(cosigned(entries.slice(0, 2)))), []);
  assert.deepEqual(await findings(withCosigned(cosigned(entries)), 'second', 60_000), []);
  assert.deepEqual(await findings(withCosigned(cosigned(entries)), 'second', 59_999), ['trust: is older than allowed']);
  const other = [...entries.slice(0, 1), formatAnchorEntry(seen(log, 2, 9))];
  assert.deepEqual(await findings(withCosigned(cosigned(other))), ['integrity: is of another history']);
  assert.deepEqual(await findings(withCosigned(cosigned([...entries, formatAnchorEntry(seen(log, 4, 9))]))), [
    'completeness: has the size 4: the anchor log, with 3, is older',
  ]);
  assert.deepEqual(await findings(withCosigned(cosigned(entries, () => ''))), [
    'trust: the quorum second is not met: no witness of the policy has cosigned it',
  ]);
  const forged = cosigned(entries, (line) => line.replace(/.(?=.{20}\n$)/, (digit) => (digit === 'A' ? 'B' : 'A')));
  assert.match(JSON.stringify(await findings(withCosigned(forged))), /^\["integrity: the cosignature by second does not hold/);
});
