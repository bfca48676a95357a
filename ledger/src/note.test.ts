import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import test from 'node:test';
import { formatCheckpoint, gatewayIdOf, originOf, parseCheckpoint } from './checkpoint.ts';
import { MalformedError } from './malformed.ts';
import { formatVerifierKey, noteBytesMax, noteSignaturesMax, parseNote, parseVerifierKey, signNote, verifyNote } from './note.ts';
import { signerOf, signText } from './testdata/store-writer.ts';
import { encodeUtf8 } from './text.ts';

const exampleKey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const exampleText = 'This is an example message.\n';
const exampleLine = '\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
const example = `${exampleText}\n${exampleLine}`;
const one = signerOf('example.com/one', 1);
const two = signerOf('example.com/two', 2);

void test('vector of others: the signed note of the C2SP specification', async () => {
  const key = parseVerifierKey(exampleKey);
  assert.equal(formatVerifierKey(key), exampleKey);
  const result = await verifyNote(encodeUtf8(example), [key]);
  assert.equal(result.outcome, 'verified');
  assert.equal(result.note.text, exampleText);
});

void test('C29: no bit of a signed note can change unnoticed', async () => {
  const key = parseVerifierKey(exampleKey);
  const bytes = encodeUtf8(example);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const outcome = await verifyNote(changed, [key]).then(
      (result) => result.outcome,
      (error: unknown) => error,
    );
    assert.ok(outcome instanceof MalformedError || outcome === 'forged' || outcome === 'untrusted', `bit ${bit}`);
  }
});

void test('signatures by unknown keys are ignored, one by a known key that fails rejects the note', async () => {
  const keys = [parseVerifierKey(one.vkey)];
  const both = signText('text\n', one) + signText('text\n', two).split('\n\n')[1];
  const result = await verifyNote(encodeUtf8(both), keys);
  assert.equal(result.outcome, 'verified');
  assert.equal(result.note.signatures.length, 2);
  const other = await verifyNote(encodeUtf8(signText('text\n', two)), keys);
  assert.equal(other.outcome, 'untrusted');
  const swapped = signText('text\n', two) + (signText('other\n', one).split('\n\n')[1] ?? '');
  const forged = await verifyNote(encodeUtf8(swapped), [...keys, parseVerifierKey(two.vkey)]);
  assert.equal(forged.outcome, 'forged');
  // A key with the same name and another id is another key.
  const sameName = await verifyNote(encodeUtf8(signText('text\n', signerOf(one.name, 9))), keys);
  assert.equal(sameName.outcome, 'untrusted');
});

void test('signNote prints what a second writer prints, and refuses what cannot be a note', () => {
  const signer = {
    name: one.name,
    publicKey: one.publicKey,
    sign: (message: Uint8Array) => sign(null, message, one.key),
  };
  assert.equal(signNote('a\n\nb\n', signer), signText('a\n\nb\n', one));
  for (const text of ['no newline', '', 'tab\t\n', 'nul\u0000\n', '\ud800\n']) {
    assert.throws(() => signNote(text, signer), MalformedError, JSON.stringify(text));
  }
  for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\nb']) {
    assert.throws(() => signNote('a\n', { ...signer, name }), MalformedError, name);
  }
});

void test('a note has one form', () => {
  const line = exampleLine.trimEnd();
  const refused = [
    '',
    '\n',
    exampleText,
    `${exampleText}${exampleLine}`,
    `${exampleText}\n`,
    `${exampleText}\n${line}`,
    `${exampleText}\n${exampleLine}\n`,
    `${exampleText}\n${exampleLine} \n`,
    `${exampleText}\n${exampleLine.replace('\u2014', '-')}`,
    `${exampleText}\n${exampleLine.replace('\u2014 ', '\u2014  ')}`,
    `${exampleText}\n${exampleLine.replace('example.com/foo', 'example.com/f+o')}`,
    `${exampleText}\n${exampleLine.replace('example.com/foo', '')}`,
    `${exampleText}\n${exampleLine.replace('=\n', '\n')}`,
    `${exampleText}\n\u2014 example.com/foo Uw2QOg==\n`,
    `${exampleText}\n${exampleLine}trailing\n`,
    `a\rb\n\n${exampleLine}`,
    `a\tb\n\n${exampleLine}`,
  ];
  for (const note of refused) {
    assert.throws(() => parseNote(encodeUtf8(note)), MalformedError, JSON.stringify(note));
  }
  assert.throws(() => parseNote(Uint8Array.of(0xff, ...encodeUtf8(example))), MalformedError);
});

void test('D33: sixteen signatures and more are accepted, but not any number, and no note of any length', () => {
  assert.equal(parseNote(encodeUtf8(`${exampleText}\n${exampleLine.repeat(16)}`)).signatures.length, 16);
  const many = `${exampleText}\n${exampleLine.repeat(noteSignaturesMax + 1)}`;
  assert.throws(() => parseNote(encodeUtf8(many)), MalformedError);
  assert.throws(() => parseNote(new Uint8Array(noteBytesMax + 1)), MalformedError);
});

void test('a verifier key has one form and the id of its name and key', () => {
  const refused = [
    '',
    'example.com/foo',
    exampleKey.replace('530d903a', '530d903b'),
    exampleKey.replace('530d903a', '530D903A'),
    exampleKey.replace('/foo', '/fop'),
    exampleKey.replace('+Aeky', '+Beky'),
    `${exampleKey}\n`,
    ` ${exampleKey}`,
    exampleKey.slice(0, -4),
    exampleKey.replace('example.com/foo', ''),
  ];
  for (const vkey of refused) {
    assert.throws(() => parseVerifierKey(vkey), MalformedError, vkey);
  }
});

void test('a checkpoint reads what it prints and has one form', () => {
  const hash = new Uint8Array(32).fill(7);
  const checkpoint = {
    origin: originOf('00000000000000a7'),
    size: 12,
    root: hash,
    journal: { segment: 1, offset: 4096, chain: hash },
  };
  const text = formatCheckpoint(checkpoint);
  assert.deepEqual(parseCheckpoint(text), checkpoint);
  const root = Buffer.from(hash).toString('base64');
  assert.equal(text, `countersign/00000000000000a7\n12\n${root}\njournal 1 4096 ${root}\n`);
  const { journal: _, ...foreign } = checkpoint;
  assert.deepEqual(parseCheckpoint(formatCheckpoint(foreign)), foreign);
  assert.deepEqual(parseCheckpoint(`${formatCheckpoint(foreign)}some extension\n`), foreign);
  const refused = [
    '',
    '\n12\n',
    text.replace('\n12\n', '\n012\n'),
    text.replace('\n12\n', '\n-1\n'),
    text.replace('\n12\n', '\n9007199254740992\n'),
    text.replace(root, root.slice(4)),
    text.replace('journal 1', 'journal 01'),
    text.replace('journal 1 ', 'journal '),
    `${text}journal 1 4096 ${root}\n`,
    `${text}\n`,
    `${text}no newline`,
    text.trimEnd(),
    'countersign/00000000000000a7\n12\n',
  ];
  for (const wrong of refused) {
    assert.throws(() => parseCheckpoint(wrong), MalformedError, JSON.stringify(wrong));
  }
  assert.equal(gatewayIdOf(checkpoint.origin), '00000000000000a7');
  assert.equal(gatewayIdOf('countersign/00000000000000A7'), undefined);
  assert.equal(gatewayIdOf('example.com/log'), undefined);
});
