import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unescapedSql } from './sql-escapes.ts';
import { sqlStrings } from './sql-strings.ts';

test('strings are found where PostgreSQL finds them, and read as it reads them', () => {
  for (const [sql, ...texts] of [
    [String.raw`select E'a\100b', e'\'\x40\u0040\U00000040\n'`, 'a@b', "'@@@\n"],
    [String.raw`select E'\303\251', e'\351'`, 'é', 'é'],
    [String.raw`select U&'x\0040y', u&'x!0040\0041' /* ' */ UESCAPE '!', U&'\+000040\\'`, 'x@y', String.raw`x@\0041`, String.raw`@\ `.trim()],
    [`select 'a'' b' -- it's\n 'c' 'd' -- 'e'\n`, "a' bc", 'd'],
    [`select 'a'\n /* no part */ 'b'`, 'a', 'b'],
    [`select $$d'$$, $t$ $$ $t$, a$b$'e', $1, "q""r", U&"\\0040"`, "d'", ' $$ ', 'e', 'q"r', '@'],
    [`select date'z', X'616263', b'01', n'o' /* ' /* ' */ ' */, 'p`, 'z', '616263', '01', 'o', 'p'],
    [String.raw`select 'a\', 'b'`, 'a\\', 'b'],
  ] as const) {
    assert.deepEqual(
      sqlStrings(sql, false).map(({ text }) => text),
      texts,
      sql,
    );
  }
  assert.deepEqual(
    sqlStrings(String.raw`select 'a\', \100', N'\100', U&'\0040'`, true).map(({ text }) => text),
    ["a', @", '@', '@'],
  );
});

test('escapes are undone in strings within strings, whatever the settings of the session are', () => {
  for (const sql of [
    String.raw`do $$ begin execute 'select E''ada\100b.org'''; end $$`,
    String.raw`select '--', 'ada' -- it's
      '@b.org'`,
    String.raw`select 'ada\100b.org'::bytea`,
    String.raw`select '\x61646140622E6f7267'::bytea`,
    String.raw`select E'\\x6164 6140 622e 6f72 67'::bytea`,
    String.raw`select '{"ada\\@b.org"}'::text[]`,
    `select X'61646140622e6f7267'`,
    String.raw`ada\x40b.org	1`,
  ]) {
    assert.ok(
      unescapedSql(sql)?.some((text) => text.includes('ada@b.org')),
      sql,
    );
  }
  assert.deepEqual(unescapedSql(`select 'ada@b.org', "b"`), []);
  const many = String.raw`$a$$b$$c$\\\\${'a'.repeat(100_000)}`;
  assert.equal(unescapedSql(many), null);
});

test('the time is linear in the length of the text', () => {
  const unit = 20_000;
  for (const part of [`'"`, `'--`, `'\n`, `--\n`, '$a', '$a$', '/*', '\\', `\\\\'`, `u&'\\0040' `, `e'`, `''''\n`, `$$'`, `u&'a'/*`, '\\x61']) {
    const spent = (length: number): number => {
      const { user } = process.cpuUsage();
      unescapedSql(`'${part.repeat(length / part.length)}`);
      return process.cpuUsage().user - user;
    };
    spent(unit);
    // A quadratic one would take 64 times as long. Less than some milliseconds is not measured well.
    assert.ok(spent(8 * unit) < 24 * Math.max(spent(unit), 5_000), JSON.stringify(part));
  }
});
