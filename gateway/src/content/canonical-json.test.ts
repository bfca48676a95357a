import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printCanonicalJson } from './canonical-json.ts';

test('canonical JSON is the same for the same value, and that value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = printCanonicalJson(value);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      assert.equal(printCanonicalJson(JSON.parse(text)), text);
    }),
  );
  assert.equal(printCanonicalJson({ b: [1, { d: null, c: '\u{e9}' }], a: 1e21, '': true }), '{"":true,"a":1e+21,"b":[1,{"c":"é","d":null}]}');
  assert.equal(printCanonicalJson({ 10: 1, 9: 2, a: undefined }), '{"10":1,"9":2}');
  assert.equal(printCanonicalJson({ '\u{1f600}': 1, '\ufb33': 2 }), '{"\u{1f600}":1,"\ufb33":2}');
});
