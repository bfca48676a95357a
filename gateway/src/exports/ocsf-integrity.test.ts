import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ocsfEvent, type OcsfEvent } from './ocsf.ts';
import { attestEvents } from './ocsf-integrity.ts';
import { ocsfFaults } from './testdata/ocsf-faults.ts';
import { recordOf } from './testdata/record.ts';

const chain = { uid: '0123456789abcdef/9', nonce: 'ab'.repeat(16), authority: 'countersign/0123456789abcdef' };
const events = [
  recordOf({ record: 'log/1' }, { verb: ['select'], effect: ['read'] }),
  recordOf({ record: 'log/2', kind: 'heartbeat', action: null, verdict: null, target: null, protocol: null, principal: null }, {}),
  recordOf({ record: 'log/3', protocol: 'llm', action: 'llm.chat' }, { model: ['gpt-4o'], provider: ['openai'] }),
].map(ocsfEvent);

/** Returns events as a receiver reads them. */
function attested(given: readonly OcsfEvent[] = events): readonly Attested[] {
  return given.map(attestEvents(chain)).map((event) => JSON.parse(JSON.stringify(event)));
}

interface Fingerprint {
  readonly value: string;
}

interface Attested extends Record<string, unknown> {
  readonly metadata: { readonly uid: string; readonly profiles: readonly string[] };
  readonly attestation_list: readonly [
    {
      readonly uid: string;
      readonly fingerprint: Fingerprint;
      readonly prev_event?: { readonly uid: string; readonly type_uid: number; readonly fingerprint: Fingerprint };
    },
  ];
}

test('attested events are of OCSF 1.9 with the profile, and what else they say is what they say without it', () => {
  assert.deepEqual(attested().flatMap(ocsfFaults), []);
  for (const [i, { attestation_list: _, ...event }] of attested().entries()) {
    assert.equal(event.metadata.profiles.at(-1), 'record_integrity');
    const { profiles, ...metadata } = event.metadata;
    const others = profiles.slice(0, -1);
    const plain = { ...event, metadata: { ...metadata, version: '1.8.0', ...(others.length === 0 ? {} : { profiles: others }) } };
    assert.deepEqual(plain, JSON.parse(JSON.stringify(events[i])));
  }
});

test('a fingerprint is of the event without it, and names the event before', () => {
  const all = attested();
  for (const [i, event] of all.entries()) {
    const [{ fingerprint, ...attestation }] = event.attestation_list;
    const text = sorted({ ...event, attestation_list: [attestation] });
    assert.deepEqual(fingerprint, {
      algorithm_id: 3,
      algorithm: 'SHA-256',
      serialization_id: 2,
      serialization: 'JCS',
      encoding_id: 1,
      encoding: 'Hex',
      value: createHash('sha256').update(text).digest('hex'),
    });
    assert.equal(attestation.uid, `${chain.uid}#${i}.${chain.nonce}`);
    const before = all[i - 1];
    assert.deepEqual(
      attestation.prev_event,
      before === undefined ? undefined : { uid: before.metadata.uid, type_uid: before['type_uid'], fingerprint: before.attestation_list[0].fingerprint },
    );
  }
  const [, changed] = attested([{ ...events[0], message: 'another' }, ...events.slice(1)]);
  assert.notEqual(changed?.attestation_list[0].fingerprint.value, all[1]?.attestation_list[0].fingerprint.value);
});

test('the fingerprint of a known event is another one in each export', () => {
  const [one, other] = ['01', '02'].map((digits) => attestEvents({ ...chain, nonce: digits.repeat(16) })(events[0] ?? {}));
  assert.notEqual(JSON.stringify(one).slice(-100), JSON.stringify(other).slice(-100));
});

test('halves of surrogates, which canonical JSON does not have, are replaced', () => {
  const [event] = attested([{ ...events[0], message: 'a\ud800', unmapped: { 'b\udc00': ['\ud83d\ude00'] } }]);
  assert.deepEqual([event?.['message'], event?.['unmapped']], ['a\ufffd', { 'b\ufffd': ['\u{1f600}'] }]);
});

test('the check of the schema finds faults of an attestation', () => {
  const [event] = attested();
  assert.ok(event !== undefined);
  const [{ fingerprint, ...attestation }] = event.attestation_list;
  const faults = (list: unknown, profiles = event.metadata.profiles): readonly string[] =>
    ocsfFaults({ ...event, attestation_list: list, metadata: { ...event.metadata, profiles } });
  assert.deepEqual(faults([attestation]), ['.attestation_list[0] has none of fingerprint, signatures']);
  assert.deepEqual(faults({ ...attestation, fingerprint }), ['.attestation_list is no array']);
  assert.deepEqual(
    faults([{ ...attestation, fingerprint: { ...fingerprint, encoding_id: 4 }, prev_event: {} }]),
    ['.attestation_list[0].prev_event.uid is lacking', '.attestation_list[0].fingerprint.encoding_id is 4'].toSorted(),
  );
  assert.deepEqual(faults(event.attestation_list, ['security_control']), ['.attestation_list is not in the schema']);
});

/** Prints JSON with sorted members by the replacer of `JSON.stringify`: another way than that of the code under test. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
