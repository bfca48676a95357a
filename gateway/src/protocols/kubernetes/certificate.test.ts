import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { authorityOf } from './certificate.ts';

const seed = Buffer.alloc(32, 7);

test('an authority is the same for the same seed, and another for another one', () => {
  assert.equal(authorityOf(seed).certificate, authorityOf(Buffer.from(seed)).certificate);
  assert.notEqual(authorityOf(Buffer.alloc(32, 8)).certificate, authorityOf(seed).certificate);
});

test('it vouches for the name that is asked for, whatever its length and its characters are, and for no other', () => {
  const authority = authorityOf(seed);
  const ca = new X509Certificate(authority.certificate);
  assert.ok(ca.ca && ca.verify(ca.publicKey));
  for (const name of [
    'prod.countersign.invalid',
    'Stage_2.eu.countersign.invalid',
    `${'a'.repeat(120)}.countersign.invalid`,
    `${'b'.repeat(230)}.countersign.invalid`,
  ]) {
    const made = authority.forName(name);
    const certificate = new X509Certificate(made.certificate);
    assert.ok(certificate.verify(ca.publicKey) && certificate.checkIssued(ca) && !certificate.ca, name);
    assert.equal(certificate.subjectAltName, `DNS:${name}`);
    assert.ok(certificate.checkPrivateKey(createPrivateKey(made.key)), name);
  }
});
