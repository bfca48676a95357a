import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import test from 'node:test';
import { cosign } from './cosignature.ts';
import { MalformedError } from './malformed.ts';
import { filesOf, writeGoldenStore } from './testdata/golden-store.ts';
import { signerOf, signText, witnessOf } from './testdata/store-writer.ts';
import { encodeUtf8 } from './text.ts';
import { verifyStore, type StoreReport } from './verify-store.ts';
import { isQuorum, parseWitnessPolicy, policyHolds, type WitnessPolicy } from './witness-policy.ts';

const one = witnessOf('one.example/w', 1);
const two = witnessOf('two.example/w', 2);
const three = witnessOf('three.example/w', 3);
const log = signerOf('log.example', 9);
const text = `log.example\n7\n${Buffer.alloc(32, 5).toString('base64')}\n`;
const note = signText(text, log);
const witnessLines = `witness one ${one.vkey}\nwitness two ${two.vkey} https://two.example/\nwitness three ${three.vkey}\n`;

function policyOf(lines: string): WitnessPolicy {
  return parseWitnessPolicy(encodeUtf8(lines));
}

const twoOfThree = policyOf(`${witnessLines}group g 2 one two three\nquorum g\n`);

void test('a policy is read: logs, witnesses, groups of groups, a quorum', () => {
  const policy = policyOf(`# ours\n\tlog ${log.vkey}   https://log.example/ \n${witnessLines}group a any one two\n\n  group b all a three\nquorum b`);
  assert.deepEqual(
    policy.witnesses.map(({ name, url }) => [name, url]),
    [
      ['one', null],
      ['two', 'https://two.example/'],
      ['three', null],
    ],
  );
  assert.equal(policy.logs[0]?.url, 'https://log.example/');
  for (const [names, holds] of [
    [['one', 'three'], true],
    [['two', 'three'], true],
    [['one', 'two'], false],
    [['three'], false],
    [['b'], true],
  ] as const) {
    assert.equal(isQuorum(policy, new Set(names)), holds, names.join(' '));
  }
  assert.equal(isQuorum(policyOf('quorum none\n'), new Set()), true);
});

void test('a policy that says something else is refused, with the line', () => {
  for (const [lines, what] of [
    ['', /quorum NAME/],
    ['quorum one\n', /^line 1: no line before this one defines one/],
    [`${witnessLines}quorum one\nquorum two\n`, /^line 5: a second quorum/],
    [`${witnessLines}group g 4 one two three\nquorum g\n`, /^line 4: of 3 members/],
    [`${witnessLines}group g 0 one\nquorum g\n`, /^line 4: of 1 members/],
    [`${witnessLines}group g 01 one\nquorum g\n`, /^line 4: not a decimal/],
    [`${witnessLines}group g any one\ngroup h any one\nquorum h\n`, /^line 5: one is a member/],
    [`${witnessLines}group g any one one\nquorum g\n`, /^line 4: one is a member/],
    [`${witnessLines}group one any two\nquorum one\n`, /^line 4: one is defined twice/],
    [`witness none ${one.vkey}\nquorum none\n`, /^line 1: none is the name/],
    [`witness a ${one.vkey}\nwitness b ${witnessOf('other', 1).vkey}\nquorum a\n`, /^line 2: a second witness/],
    [`witness a ${log.vkey}\nquorum a\n`, /^line 1: not the Ed25519 key of a witness/],
    [`log ${one.vkey}\nquorum none\n`, /^line 1: not an Ed25519 verifier key/],
    [`witness a ${one.vkey} ftp://x\nquorum a\n`, /^line 1: a URL begins/],
    ['quorum none\r\n', /^line 1: a control character/],
    ['wittness a\n', /^line 1: a line begins with/],
    [Array.from({ length: 65 }, (_, i) => `witness w${i} ${witnessOf('w', i).vkey}\n`).join(''), /^line 65: more than 64/],
  ] as const) {
    assert.throws(
      () => policyOf(lines),
      (error) => error instanceof MalformedError && what.test(error.message),
      lines.slice(0, 80),
    );
  }
});

void test('a cosignature is the one that a second writer makes, and counts for its witness, its time and this text alone', async () => {
  const key = signerOf('one.example/w', 1);
  const signer = { name: key.name, publicKey: key.publicKey, sign: (message: Uint8Array) => sign(null, message, key.key) };
  assert.equal(cosign(text, signer, 1_700_000_000), one.cosign(note, 1_700_000_000));
  const check = async (lines: string): Promise<readonly unknown[]> => {
    const { holds, forged, quorumMs } = await policyHolds(encodeUtf8(note + lines), twoOfThree);
    return [holds, forged, quorumMs];
  };
  assert.deepEqual(await check(''), [false, [], null]);
  assert.deepEqual(await check(one.cosign(note, 100) + one.cosign(note, 200)), [false, [], null]);
  // A quorum has said at 300 s or later that it knew no larger log; who is far ahead of the others changes nothing.
  assert.deepEqual(await check(one.cosign(note, 100) + two.cosign(note, 300) + three.cosign(note, 9e9)), [true, [], 300_000]);
  assert.deepEqual(await check(one.cosign(note, 100) + witnessOf('stranger', 8).cosign(note, 1)), [false, [], null]);
  const other = signText(`log.example\n8\n${Buffer.alloc(32, 5).toString('base64')}\n`, log);
  assert.deepEqual(await check(one.cosign(note, 100) + two.cosign(note, 100) + three.cosign(other, 100)), [false, ['three'], 100_000]);
  const ofLog = policyOf(`log ${signerOf('log.example', 7).vkey}\n${witnessLines}quorum one\n`);
  assert.match((await policyHolds(encodeUtf8(note + one.cosign(note, 1)), ofLog)).why, /no log of the policy has signed it/);
});

void test('no bit of a cosignature can change unnoticed', async () => {
  const line = one.cosign(note, 100);
  const raw = Buffer.from(line.split(' ')[2] ?? '', 'base64');
  const only = policyOf(`${witnessLines}quorum one\n`);
  for (let bit = 0; bit < 8 * raw.length; bit++) {
    const changed = Buffer.from(raw);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const outcome = await policyHolds(encodeUtf8(`${note}\u2014 one.example/w ${changed.toString('base64')}\n`), only);
    assert.equal(outcome.holds, false, `bit ${bit}`);
  }
});

void test('verify with witnesses: each cosigned checkpoint is of the log and meets the quorum, and the newest is not too old', async () => {
  const { writer } = writeGoldenStore();
  const cosigned = (...witnesses: readonly (readonly [typeof one, number])[]): Buffer =>
    Buffer.from(writer.note + witnesses.map(([witness, timeS]) => witness.cosign(writer.note, timeS)).join(''));
  const now = writer.timeMs;
  const timeS = Math.floor(now / 1000);
  const verify = async (files: Readonly<Record<string, Buffer>>, maxAgeMs?: number): Promise<StoreReport> =>
    verifyStore(filesOf(new Map([...writer.files, ...Object.entries(files)])), {
      keys: [writer.signer.vkey],
      witnesses: twoOfThree,
      now: () => now,
      ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    });
  const good = cosigned([one, timeS], [two, timeS - 50]);
  const report = await verify({ 'log/cosigned': good, 'log/cosigned.kept/17': good }, 60_000);
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.deepEqual(report.cosigned, {
    checkpoints: 2,
    newest: { size: writer.leafHashes.length, quorumMs: (timeS - 50) * 1000, witnesses: ['one', 'two'] },
  });
  assert.equal((await verify({})).verdict, 'trust', 'nothing is cosigned');
  assert.equal((await verify({ 'log/cosigned': good }, 10_000)).verdict, 'trust', 'too old');
  assert.equal((await verify({ 'log/cosigned': good, 'log/cosigned.kept/17': cosigned([one, timeS]) })).verdict, 'trust', 'one without a quorum');
  const lying = Buffer.from(good.toString() + three.cosign(note, timeS));
  assert.equal((await verify({ 'log/cosigned': lying })).verdict, 'integrity', 'a line that does not hold');
  const fork = signText(writer.note.split('\n\n')[0]?.replace(/\n[A-Za-z0-9+/]{43}=\n/, `\n${Buffer.alloc(32, 1).toString('base64')}\n`) + '\n', writer.signer);
  const forkCosigned = Buffer.from(fork + one.cosign(fork, timeS) + two.cosign(fork, timeS));
  assert.equal((await verify({ 'log/cosigned': forkCosigned })).verdict, 'integrity', 'another history was cosigned');
});
