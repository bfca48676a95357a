import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { findTraceparent } from './traceparent.ts';

const value = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const comment = `/*traceparent='${value}'*/`;

function find(statement: string): string | null {
  const bytes = Buffer.from(`before ${statement}`);
  return findTraceparent(bytes, 'before '.length, bytes.length);
}

test('it is found in the comment that a statement ends with', () => {
  for (const statement of [
    `select 1 ${comment}`,
    `select 1 ${comment};\n `,
    comment,
    `/* a hint */ select 'ä' /*action='%2Fparam*d',route='^/x',traceparent='${value}',tracestate='congo%3Dt61rcWkgMzE'*/`,
    `select 1 /* a='b', traceparent='${value}' */`,
    `select 1 /*${'x'.repeat(1900)},traceparent='${value}'*/`,
  ]) {
    assert.equal(find(statement), value, statement);
  }
});

test('anything else is not a traceparent', () => {
  for (const statement of [
    '',
    '/',
    '*/',
    '/**/',
    'select 1',
    `${comment} select 1`,
    `select '${comment}'`,
    `select 1 ${comment} /*other='x'*/`,
    `select 1 /*xtraceparent='${value}'*/`,
    `select 1 /*traceparent=${value}*/`,
    `select 1 /*traceparent='${value}'${' '.repeat(3000)}*/`,
    `select 1 ${comment}${' '.repeat(20)}`,
    ...['ff', '0g'].map((version) => `select 1 ${comment.replace("='00", `='${version}`)}`),
    `select 1 ${comment.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32))}`,
    `select 1 ${comment.replace('b7ad6b7169203331', '0'.repeat(16))}`,
    `select 1 ${comment.replace('-01', '-1')}`,
    `select 1 ${comment.toUpperCase().replace('TRACEPARENT', 'traceparent')}`,
  ]) {
    assert.equal(find(statement), null, statement);
  }
  assert.equal(findTraceparent(Buffer.from(comment), 2, comment.length), null, 'nothing is looked at before the statement');
});

test('any bytes: a traceparent or none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, start) => {
      const statement = Buffer.concat([bytes, Buffer.from('*/')]);
      assert.equal(findTraceparent(statement, start, statement.length), null);
    }),
  );
});
