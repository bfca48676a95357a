import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import { changeUnit } from './changed-unit.ts';
import { atOnce } from '../../content/in-turns.ts';
import { ClientUnits } from './client-units.ts';
import { loadParser } from './guard/parser.ts';
import { textOf, tree } from './guard/tree.ts';
import { message } from './testdata/shorthand.ts';

const parser = await loadParser();
/** Changes a value with the letters and quotes before it, as a mask of addresses would take them for a part of it. */
const hide = (text: string): string => text.replaceAll(/[\w'&]*secret-\d+/g, '[hidden]');

/** Returns a statement as the target gets it. */
function sent(sql: string): string {
  const units = new ClientUnits(1024 * 1024);
  units.push(message('Q', sql));
  const unit = units.next() ?? assert.fail('no unit');
  const changed = atOnce(changeUnit(unit, { changes: [hide], typesOf: () => null, bytesMax: 1024 * 1024 }));
  return Buffer.concat(changed.unit.bytes).subarray(5, -1).toString();
}

/** Reads a statement by PostgreSQL's grammar: what its literals say, and all that it is beside them. */
function read(sql: string): { readonly texts: readonly string[]; readonly shape: string } {
  const texts: string[] = [];
  const shape = JSON.stringify(parser.statements(sql) ?? assert.fail(`no statement: ${sql}`), (key, value: unknown) => {
    if (key !== 'A_Const') {
      return /^(?:location|stmt_len)$/.test(key) ? undefined : value;
    }
    const { sval, bsval } = tree(value);
    texts.push(textOf(tree(sval)['sval']) + textOf(tree(bsval)['bsval']));
    return bsval === undefined ? 'text' : 'bits';
  });
  return { texts, shape };
}

const hexOf = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
const quoted = (sign: string): string => (sign === "'" ? "''" : sign);
const hexDigits = (text: string): string => Buffer.from(text).toString('hex');

/** Spells a character of a literal. `way` chooses among the ways that there are. */
type Spell = (sign: string, way: number) => string;

const escaped: Spell = (sign, way) => {
  const code = sign.codePointAt(0) ?? 0;
  const long = `\\U${hexOf(code, 8)}`;
  const ways = [
    long,
    code > 0xffff ? long : `\\u${hexOf(code, 4)}`,
    ...(code < 0x80 ? [`\\x${hexOf(code, 2)}`, `\\${code.toString(8).padStart(3, '0')}`] : []),
  ];
  return ways[way] ?? (/['\\]/.test(sign) || way === 4 ? `\\${sign}`.replace(/^\\(?=[\w\n])/, '') : sign);
};
const unicode =
  (escape: string): Spell =>
  (sign, way) => {
    const code = sign.codePointAt(0) ?? 0;
    const ways = [`${escape}+${hexOf(code, 6)}`, code > 0xffff ? quoted(sign) : `${escape}${hexOf(code, 4)}`];
    return ways[way] ?? (sign === escape ? escape + escape : quoted(sign));
  };
const spelled = (text: string, ways: readonly number[], spell: Spell): readonly string[] =>
  Array.from(text, (sign, at) => spell(sign, ways[at % ways.length] ?? 9));
/** Joins pieces, and goes on in another line before some of them. */
const parted = (pieces: readonly string[], ways: readonly number[]): string =>
  pieces.map((piece, at) => (ways[at % ways.length] === 5 && at > 0 ? `'\n  '${piece}` : piece)).join('');

/** Each kind of literal: how a text is written as one. */
const kinds: Readonly<Record<string, (text: string, ways: readonly number[]) => string>> = {
  plain: (text, ways) => `'${parted(spelled(text.replaceAll('\\', ''), ways, quoted), ways)}'`,
  national: (text, ways) => `n'${parted(spelled(text.replaceAll('\\', ''), ways, quoted), ways)}'`,
  escaped: (text, ways) => `E'${parted(spelled(text, ways, escaped), ways)}'`,
  unicode: (text, ways) => `U&'${parted(spelled(text, ways, unicode('\\')), ways)}'`,
  'unicode with an escape of its own': (text, ways) => `u&'${parted(spelled(text, ways, unicode('!')), ways)}'\n  UESCAPE '!'`,
  dollars: (text) => `$q$${text}$q$`,
  bits: (text, ways) => `X'${parted(hexDigits(text).match(/../g) ?? [], ways)}'`,
  bytea: (text) => `'\\x${hexDigits(text)}'::bytea`,
  'bytea in a string with escapes': (text, ways) => `E'${parted(spelled(`\\x${hexDigits(text)}`, ways, escaped), ways)}'::bytea`,
  'bytea in dollars': (text) => `$q$\\x${hexDigits(text)}$q$::bytea`,
};

const noise = fc.string({ unit: fc.constantFrom(...Array.from(`a '\\"$!@-é😀\n`)), maxLength: 6 });
const literal = fc
  .record({
    kind: fc.constantFrom(...Object.keys(kinds)),
    text: fc.tuple(noise, fc.constantFrom('', 'secret-1', 'secret-23'), noise).map((each) => each.join('')),
    ways: fc.array(fc.nat(9), { minLength: 1, maxLength: 8 }),
  })
  .map(({ kind, text, ways }) => kinds[kind]?.(text, ways) ?? '');

/** Returns what a literal must say when policy has changed it. */
function hidden(text: string): string {
  const [, mark = '', digits] = /^(x|\\x)((?:[\da-f]{2})*)$/.exec(text) ?? [];
  return digits === undefined ? hide(text) : mark + hexDigits(hide(Buffer.from(digits, 'hex').toString()));
}

test('of any literals of a statement, what they say is changed, and nothing else of it', () => {
  fc.assert(
    fc.property(fc.array(literal, { minLength: 1, maxLength: 6 }), (literals) => {
      const sql = `select ${literals.join(', ')} /* of secret-4 */ from "t" where a = 'x'`;
      const before = read(sql);
      const after = read(sent(sql));
      assert.deepEqual(after, { texts: before.texts.map(hidden), shape: before.shape }, sql);
    }),
    { numRuns: 1_000 },
  );
});

test('a literal stays of its kind', () => {
  for (const [written, changed] of [
    [String.raw`e'it\'s é \u00e8 secret\0551 \\'`, String.raw`e'it''s é \u00e8 [hidden] \\'`],
    [String.raw`U&'\00e8 é \+01f600 \\ secret\002d1'`, String.raw`U&'\00e8 é \+01f600 \\ [hidden]'`],
    [String.raw`U&'secret!002d1 \' uescape '!'`, String.raw`U&'[hidden] \\'`],
    [`'it''s secret'\n  '-1'`, `'it''s [hidden]'`],
    [`N'secret-' -- of it\n'1'`, `N'[hidden]'`],
    [`N'secret-1'`, `N'[hidden]'`],
    [`E'secret-1'`, `E'[hidden]'`],
    [`date'secret-1'`, `date'[hidden]'`],
    [`x'7365637265742d31'`, `x'5b68696464656e5d'`],
    [`'\\x7365 6372 6574 2d31 ff'`, `'\\x5b68696464656e5dff'`],
    [String.raw`E'\\x7365637265742d31'`, String.raw`E'\\x5b68696464656e5d'`],
    [String.raw`$a$\x7365637265742d31$a$`, String.raw`$a$\x5b68696464656e5d$a$`],
  ] as const) {
    assert.equal(sent(`select ${written}, 'b'`), `select ${changed}, 'b'`);
  }
});

test('what cannot be changed refuses the statement, and the message says why', () => {
  for (const sql of [
    String.raw`select 'secret\0551'::bytea`,
    `select 'a\\1'\n'00 secret'\n'-1'`,
    String.raw`select 'a\', E'secret\0551', 'b'`,
    String.raw`select E'\303\251 secret\0551'`,
    String.raw`do $$ begin perform E'secret\0551'; end $$`,
    String.raw`select 'select E''secret\0551'''`,
    String.raw`select 1 as U&"secret\002d1"`,
    String.raw`select E'secret\0551`,
  ]) {
    assert.throws(
      () => sent(sql),
      (error) =>
        error instanceof GatewayError &&
        error.code === 'unsupported' &&
        /standard_conforming_strings is off, within another string, or in a name/.test(error.message),
      sql,
    );
  }
});
