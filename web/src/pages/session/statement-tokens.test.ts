import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { statementTokens } from './statement-tokens.ts';

const marked = (statement: string): readonly string[] => statementTokens(statement).flatMap(({ is, text }) => (is === 'plain' ? [] : [`${is} ${text}`]));

describe('the pieces of a statement', () => {
  test('are keywords, texts and comments; names in quotes are plain', () => {
    assert.deepEqual(marked(`select "from", 'it''s', E'a\\'b' -- where\nFROM t /* and\n */ WHERE x = $$or$$`), [
      'keyword select',
      "text 'it''s'",
      "text E'a\\'b'",
      'comment -- where',
      'keyword FROM',
      'comment /* and\n */',
      'keyword WHERE',
      'text $$or$$',
    ]);
  });

  test('that do not end reach to the end', () => {
    assert.deepEqual(marked("select 'a from b"), ['keyword select', "text 'a from b"]);
    assert.deepEqual(marked('/* select'), ['comment /* select']);
    assert.deepEqual(marked('$x$ select $y$'), ['text $x$ select $y$']);
  });

  test('are the statement when they are put together, whatever it is', () => {
    const statement = fc.array(fc.constantFrom("'", '"', '\\', '--', '\n', '/*', '*/', '$', '$a$', 'select', 'E', ' ', 'é', '\u202e', '😀'), { maxLength: 40 });
    fc.assert(
      fc.property(statement, (parts) => {
        const text = parts.join('');
        const joined = statementTokens(text).map((token) => token.text);
        assert.equal(joined.join(''), text);
      }),
    );
    const long = 'select '.repeat(10_000);
    assert.equal(
      statementTokens(long)
        .map(({ text }) => text)
        .join(''),
      long,
    );
    assert.ok(statementTokens(long).length < 10_000);
  });
});
