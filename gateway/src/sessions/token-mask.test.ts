import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatToken } from '../identity/token-format.ts';
import { TokenMask } from './token-mask.ts';

const own = formatToken(randomBytes(32));
const inner = formatToken(randomBytes(32));

/** Returns the recorded form of a text that comes in pieces which end at these places. */
function masked(text: string, ends: readonly number[] = []): { readonly text: string; readonly tokenCount: number } {
  const mask = new TokenMask();
  mask.add(own);
  mask.add(inner);
  const places = [0, ...ends.map((end) => end % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  const pieces = places.slice(1).map((end, i) => mask.mask('stdout', Buffer.from(text.slice(places[i], end))));
  return { text: pieces.map(({ bytes }) => bytes.toString()).join(''), tokenCount: pieces.reduce((sum, { tokenCount }) => sum + tokenCount, 0) };
}

test('found: the tokens of a run, and of runs inside it, are masked; all else is as it was printed', () => {
  const text = `A=${own}\nB=${inner}${own}`;
  assert.deepEqual(masked(text), { text: 'A=REDACTED\nB=REDACTEDREDACTED', tokenCount: 3 });
  for (const other of ['', 'no tokens', 'cs_', `${own.slice(0, 7)} and no more`, own.slice(1), formatToken(randomBytes(32))]) {
    assert.deepEqual(masked(other), { text: other, tokenCount: 0 });
  }
});

test('found: cut into any pieces, no more than seven characters of a token are left', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 60 }), fc.constantFrom('', 'x', 'c', 'cs_', 'words '), (ends, before) => {
      const { text, tokenCount } = masked(`${before}${own}${before}${inner}|`, ends);
      for (const token of [own, inner]) {
        for (let at = 0; at + 8 <= token.length; at += 1) {
          // The word that stands in its place may begin as the token goes on.
          assert.ok(!text.replaceAll('REDACTED', '*').includes(token.slice(at, at + 8)), text);
        }
      }
      assert.equal(tokenCount, 2);
      const kept = String.raw`(?:c|cs|cs_\w{0,4})?`;
      assert.match(text, new RegExp(`^${before}${kept}REDACTED${before}${kept}REDACTED\\|$`));
    }),
  );
});

test('found: a token behind its own beginning, cut at any place, is masked', () => {
  const token = `cs_ABc${'0123456789'.repeat(4)}cs_ABc`;
  for (let before = 0; before < 26; before += 1) {
    const text = `${token.slice(0, before)}${token}|`;
    for (let first = 0; first < text.length; first += 1) {
      for (let second = first; second <= text.length; second += 1) {
        const mask = new TokenMask();
        mask.add(token);
        const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)].map((piece) => mask.mask('stdout', Buffer.from(piece)));
        const left = pieces.map(({ bytes }) => bytes.toString()).join('');
        assert.ok(!left.includes('0123456789'.repeat(2)), `${text.slice(0, first)} ${text.slice(first, second)}: ${left}`);
      }
    }
  }
});

test('streams are told apart', () => {
  const mask = new TokenMask();
  mask.add(own);
  mask.mask('stdout', Buffer.from(own.slice(0, 20)));
  assert.equal(mask.mask('stderr', Buffer.from(own.slice(20))).bytes.toString(), own.slice(20));
  assert.equal(mask.mask('stdout', Buffer.from(`${own.slice(20)}!`)).bytes.toString(), '!');
});
