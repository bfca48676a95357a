/** Evidence: the bundles of many sessions under one checkpoint. Normative: docs/formats/evidence.md. */
import { count, parseExactly, parseObject, text } from './bundle.ts';
import { MalformedError } from './malformed.ts';
import { formatVerifierKey, parseVerifierKey } from './note.ts';
import { encodeUtf8 } from './text.ts';

const form = 'countersign/1';
const formWithKeyring = 'countersign/2';
/** Most characters of a text in the first line. */
const textMax = 4096;

export interface EvidenceHeader {
  readonly log: string;
  /** The verifier key of the log. It says who claims to have signed the evidence and proves nothing by itself. */
  readonly key: string;
  /** The keyring of the log; null: there is none. It counts if it has every key that is trusted. */
  readonly keyring: string | null;
  /** Which sessions were asked for: those with a record for which this query holds. It is the word of who exported them. */
  readonly query: string;
  readonly since: string | null;
  readonly until: string | null;
  /** The queries for the records whose content was left out, and for those whose facts were left out too. Empty: none. */
  readonly withhold: string;
  readonly withholdFacts: string;
  /** The number of bundles of whole sessions. */
  readonly sessions: number;
}

/** Formats the first line, with its newline. */
export function formatEvidenceHeader({ log, key, keyring, query, since, until, withhold, withholdFacts, sessions }: EvidenceHeader): string {
  const head = keyring === null ? { evidence: form, log, key } : { evidence: formWithKeyring, log, key, keyring };
  return `${JSON.stringify({ ...head, query, since, until, withhold, withholdFacts, sessions })}\n`;
}

/** Parses the first line, given without its newline. Throws `MalformedError`. */
export function parseEvidenceHeader(line: string): EvidenceHeader {
  return parseExactly(line, parseHeader, formatEvidenceHeader);
}

function parseHeader(line: string): EvidenceHeader {
  const { log, key, keyring, query, since, until, withhold, withholdFacts, sessions } = parseObject(line);
  const header: EvidenceHeader = {
    log: shortText(log),
    key: shortText(key),
    keyring: keyring === undefined ? null : text(keyring),
    query: shortText(query),
    since: since === null ? null : shortText(since),
    until: until === null ? null : shortText(until),
    withhold: shortText(withhold),
    withholdFacts: shortText(withholdFacts),
    sessions: count(sessions),
  };
  const vkey = parseVerifierKey(header.key);
  if (vkey.name !== header.log || formatVerifierKey(vkey) !== header.key) {
    throw new MalformedError('evidence whose key is not that of its log');
  }
  return header;
}

function shortText(value: unknown): string {
  const found = text(value);
  if (found.length > textMax) {
    throw new MalformedError('evidence with a text that is too long');
  }
  return found;
}

/** True if the bytes begin as evidence does. They are not checked. */
export function isEvidence(bytes: Uint8Array): boolean {
  return encodeUtf8('{"evidence":').every((byte, i) => byte === bytes[i]);
}
