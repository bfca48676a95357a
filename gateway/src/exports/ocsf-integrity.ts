import { hash } from 'node:crypto';
import { printCanonicalJson } from '../content/canonical-json.ts';
import type { OcsfEvent } from './ocsf.ts';

/** The first version of OCSF that has the profile: https://schema.ocsf.io/1.9.0/profiles/record_integrity */
const version = '1.9.0';
const profile = 'record_integrity';

/** The chain of an export. */
export interface EventChain {
  /** The record of the export, as `LOG/INDEX`: each export has a chain of its own. */
  readonly uid: string;
  /** 32 hexadecimal digits that are in each attestation and nowhere else: who has not the file cannot guess texts by the fingerprint that is on record. */
  readonly nonce: string;
  /** Who attests: the origin of the log, which all its keys have as their name. */
  readonly authority: string;
}

/**
 * Returns a function that makes events of OCSF 1.9 with the profile `record_integrity` from those of `ocsfEvent`, which come to it in their order. Each has the
 * fingerprint of its canonical form, and that of the event before it. The events are well-formed Unicode, because canonical JSON is of nothing else.
 */
export function attestEvents({ uid: chain, nonce, authority }: EventChain): (event: OcsfEvent) => OcsfEvent {
  let count = 0;
  let previous: OcsfEvent | null = null;
  return (event) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each event has these parts
    const named = toWellFormed(event) as NamedEvent;
    const {
      metadata: { profiles = [], ...metadata },
      ...rest
    } = named;
    const attestation = {
      uid: `${chain}#${count}.${nonce}`,
      authority_uid: authority,
      chain_uid: chain,
      ...(previous === null ? {} : { prev_event: previous }),
    };
    const attested = { ...rest, metadata: { ...metadata, version, profiles: [...profiles, profile] }, attestation_list: [attestation] };
    const fingerprint = fingerprintOf(attested);
    count += 1;
    previous = { uid: metadata.uid, type_uid: rest.type_uid, fingerprint };
    return { ...attested, attestation_list: [{ ...attestation, fingerprint }] };
  };
}

/** An event with the parts that an attestation names. */
interface NamedEvent extends OcsfEvent {
  readonly type_uid: number;
  readonly metadata: { readonly uid: string; readonly profiles?: readonly string[] };
}

function fingerprintOf(event: OcsfEvent): OcsfEvent {
  const sha256 = { algorithm_id: 3, algorithm: 'SHA-256' };
  const jcs = { serialization_id: 2, serialization: 'JCS' };
  const hex = { encoding_id: 1, encoding: 'Hex' };
  return { ...sha256, ...jcs, ...hex, value: hash('sha256', printCanonicalJson(event)) };
}

/** Returns JSON in which each surrogate without its other half is U+FFFD. */
function toWellFormed(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.toWellFormed();
  }
  if (Array.isArray(value)) {
    return value.map(toWellFormed);
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toWellFormed(), toWellFormed(member)]))
    : value;
}
