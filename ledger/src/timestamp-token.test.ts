import assert from 'node:assert/strict';
import { test } from 'node:test';
import { derOf, TimestampAuthority } from '../../tests/support/timestamp-authority.ts';
import { parseCertificates } from './certificate.ts';
import { DerItems, identifierOf, readDer } from './der.ts';
import { encodeUtf8 } from './text.ts';
import { verifyTimestamp } from './timestamp-token.ts';

const text = encodeUtf8('countersign/0123456789abcdef\n17\n');

void test('a timestamp of OpenSSL holds, by every kind of key', async () => {
  const kinds = [
    { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], digest: 'sha256' },
    { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], digest: 'sha512' },
    { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], digest: 'sha256' },
    { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], digest: 'sha384' },
  ];
  for (const kind of kinds) {
    await using authority = await TimestampAuthority.open(kind);
    const token = authority.stamp(text);
    authority.verify(text, token);
    const before = Date.now();
    const outcome = await verifyTimestamp(token, text, parseCertificates(authority.root));
    assert.ok(outcome.holds, JSON.stringify(outcome));
    const { timeMs, accuracyMs, authority: name, policy } = outcome.info;
    assert.ok(Math.abs(timeMs - before) < 60_000);
    assert.deepEqual({ accuracyMs, name, policy }, { accuracyMs: 1000, name: 'Test timestamps', policy: '1.2.3.4.1' });
  }
});

void test('a timestamp that was changed, is of other bytes, or is not by a trusted authority does not count', async () => {
  await using authority = await TimestampAuthority.open();
  await using other = await TimestampAuthority.open();
  const token = authority.stamp(text);
  const trusted = parseCertificates(authority.root);
  const codeOf = async (...asked: Parameters<typeof verifyTimestamp>): Promise<string> => {
    const outcome = await verifyTimestamp(...asked);
    return outcome.holds ? 'holds' : outcome.code;
  };
  assert.equal(await codeOf(token, text, trusted), 'holds');
  assert.equal(await codeOf(token, encodeUtf8('other'), trusted), 'integrity');
  assert.equal(await codeOf(token, text, parseCertificates(other.root)), 'trust');
  assert.equal(await codeOf(authority.stamp(text, ['-sha256']), text, trusted), 'trust', 'without the certificate of the signer');
  assert.equal(await codeOf(token.subarray(1), text, trusted), 'malformed');
  assert.equal(await codeOf(Buffer.concat([token, Buffer.alloc(70_000)]), text, trusted), 'malformed');
  // Whatever bit flips: the time that it states is never another one.
  const stated = await verifyTimestamp(token, text, trusted);
  for (let at = 0; at < token.length; at += 7) {
    const changed = Buffer.from(token);
    changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at);
    const outcome = await verifyTimestamp(changed, text, trusted);
    assert.ok(!outcome.holds || (stated.holds && outcome.info.timeMs === stated.info.timeMs), `byte ${at}`);
  }
});

void test('the certificate of the signer must be for timestamps alone, and valid when it signed', async () => {
  const wrong = {
    'for something else too': { extensions: 'extendedKeyUsage = critical, timeStamping, codeSigning\n' },
    'not critical': { extensions: 'extendedKeyUsage = timeStamping\n' },
    expired: { from: '20200101000000Z', until: '20200201000000Z' },
    'not valid yet': { from: '20900101000000Z', until: '20900201000000Z' },
    'without a purpose': { extensions: 'keyUsage = critical, digitalSignature\n' },
    'an unknown critical extension': { extensions: 'extendedKeyUsage = critical, timeStamping\n1.2.3.4 = critical, ASN1:NULL\n' },
  };
  await using right = await TimestampAuthority.open({ key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] });
  const given = right.stamp(text);
  const pss = right.signAgain(given, ['-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:32', '-md', 'sha256']);
  // `openssl ts -verify` knows no PSS.
  assert.ok((await verifyTimestamp(pss, text, parseCertificates(right.root))).holds, 'signed with PSS');
  for (const [why, options] of Object.entries(wrong)) {
    await using authority = await TimestampAuthority.open(options);
    const token = authority.signAgain(given);
    const outcome = await verifyTimestamp(token, text, parseCertificates(authority.root));
    assert.equal(outcome.holds ? 'holds' : outcome.code, 'trust', `${why}: ${JSON.stringify(outcome)}`);
  }
});

void test('what a timestamp says beside what it must say is refused, unless it is known to say nothing', async () => {
  await using authority = await TimestampAuthority.open();
  const trusted = parseCertificates(authority.root);
  const given = authority.stamp(text);
  const extension = (critical: boolean): Buffer =>
    derOf(
      0xa1,
      derOf(0x30, Buffer.concat([Buffer.from('06032a0304', 'hex'), critical ? Buffer.from('0101ff', 'hex') : Buffer.alloc(0), derOf(0x04, Buffer.of(5, 0))])),
    );
  const cases: readonly (readonly [string, Buffer])[] = [
    ['holds', derOf(0xa0, derOf(0x82, Buffer.from('tsa.example')))],
    ['holds', extension(false)],
    ['trust', extension(true)],
    ['malformed', derOf(0x02, Buffer.of(7))],
    ['malformed', Buffer.of(0x30, 0x80, 0, 0)],
  ];
  for (const [expected, more] of cases) {
    // The nonce of the request is the last part, so that each of these may stand behind it.
    const token = authority.signAgain(given, [], (info) => derOf(0x30, Buffer.concat([info.subarray(info.readUInt8(1) < 0x80 ? 2 : 3), more])));
    const outcome = await verifyTimestamp(token, text, trusted);
    assert.equal(outcome.holds ? 'holds' : outcome.code, expected, `${more.toString('hex')}: ${JSON.stringify(outcome)}`);
  }
});

void test('an object identifier has one spelling', () => {
  const identifier = (hex: string): string => identifierOf({ tag: 6, content: Buffer.from(hex, 'hex'), bytes: Buffer.alloc(0) });
  assert.equal(identifier('2b060105'), '1.3.6.1.5');
  for (const hex of ['2b80060105', '802b060105', '2b06018005', '2b0681', '', '2b'.repeat(65)]) {
    assert.throws(() => identifier(hex), { message: /not an object identifier/ }, hex);
  }
});

void test('no part of a timestamp that is empty, odd, twice, gone or of another kind makes it say another time, or ends the check', async () => {
  const keys = { ec: {}, rsa: { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] } };
  const pss = ['-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:32', '-md', 'sha256'];
  const odd = ['', '00', '01', '7fffffff', 'ffffffffffff', '000001', '80'.repeat(300)].map((hex) => Buffer.from(hex, 'hex'));
  for (const [name, options, more] of [
    ['EC', keys.ec, []],
    ['PSS', keys.rsa, pss],
  ] as const) {
    await using authority = await TimestampAuthority.open(options);
    const token = authority.signAgain(authority.stamp(text), more);
    const trusted = parseCertificates(authority.root);
    const stated = await verifyTimestamp(token, text, trusted);
    assert.ok(stated.holds);
    let tried = 0;
    for (const changed of changedParts(token, odd)) {
      tried += 1;
      for (const by of [trusted, null]) {
        const outcome = await verifyTimestamp(changed, text, by);
        assert.ok(!outcome.holds || outcome.info.timeMs === stated.info.timeMs, `${name}: ${changed.toString('hex')}`);
      }
    }
    assert.ok(tried > 500, `${tried}`);
  }
});

/** Yields a value of DER with each of its parts changed. What a bit string or an octet string has inside is one part. */
function* changedParts(value: Buffer, odd: readonly Buffer[]): Generator<Buffer> {
  const { tag, content } = readDer(value);
  if ((tag & 0x20) === 0) {
    yield* odd.map((each) => derOf(tag, each));
    return;
  }
  const parts = new DerItems({ tag, content, bytes: value }).rest().map(({ bytes }) => Buffer.from(bytes));
  for (const [i, part] of parts.entries()) {
    const others = (...inPlace: readonly Buffer[]): Buffer => derOf(tag, Buffer.concat([...parts.slice(0, i), ...inPlace, ...parts.slice(i + 1)]));
    yield others();
    yield others(part, part);
    for (const kind of [0x02, 0x04, 0x05, 0x30, 0x31, 0x80, 0xa0]) {
      yield others(Buffer.concat([Buffer.of(kind), part.subarray(1)]));
    }
    for (const changed of changedParts(part, odd)) {
      yield others(changed);
    }
  }
}
