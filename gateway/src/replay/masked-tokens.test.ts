import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { MaskedTokens } from './masked-tokens.ts';

const obligation = (kind: string, classes: string) => ({ kind, parameters: { classes } });

test('tokens of masked values are named by their order, those of other classes and all else stay', () => {
  const tokens = new MaskedTokens();
  const text = 'customer_0123456789abcdef wrote to #1 and CUSTOMER_0123456789abcdef, email_00112233445566ff, iban_0123456789abcdef, xcustomer_0123456789abcdef';
  const key = { text, ids: ['call_1'] };
  assert.deepEqual(tokens.name(key), key);
  tokens.add([obligation('mask', 'iban:hash'), obligation('mask_request', 'customer:pseudonym, email:hash, phone')]);
  assert.deepEqual(tokens.name(key), {
    text: '#2 wrote to #1 and #3, #4, iban_0123456789abcdef, xcustomer_0123456789abcdef',
    ids: ['call_1', 'customer_0123456789abcdef', 'CUSTOMER_0123456789abcdef', 'email_00112233445566ff'],
  });
  assert.equal(tokens.name({ text: 'phone_0123456789abcdef', ids: [] }).text, 'phone_0123456789abcdef', 'no token is made for it');
});
