/** The report on the verification of a single file (bundle or receipt), and the checks that both kinds of file share. */
import { gatewayIdOf, type SignedCheckpoint } from './checkpoint.ts';
import type { SigningKeys } from './keyring.ts';
import { leafHash, type Leaf } from './leaf.ts';
import type { ParsedRecord } from './bundle.ts';
import type { Certificate } from './certificate.ts';
import { equalBytes, verifyInclusion } from './proof.ts';
import { checkNote } from './store-trust.ts';
import { encodeUtf8 } from './text.ts';
import { checkTimestamps, type StampedCheckpoint } from './timestamps-check.ts';
import type { Finding, Findings, Verdict } from './verdict.ts';

export interface FileOptions {
  /** The keys to trust: C2SP verifier keys, and keyrings (docs/formats/checkpoint.md), each of which must have all given keys of its log. Without them a bundle is checked with the key that it contains, and a receipt cannot be verified. */
  readonly keys?: readonly string[];
  /** A checkpoint (signed note) of this log that was kept elsewhere. The checkpoint of the file must not be older, and at the same size it must be the same. */
  readonly known?: string;
  /** Authorities of timestamps. The checkpoint of the file must have one by them. */
  readonly timestamps?: readonly Certificate[];
  /** The greatest allowed age of the newest record in the file, in ms. */
  readonly maxAgeMs?: number;
  readonly now?: () => number;
  /** Called with each record of a bundle as it is read. The record can be believed only if the report, which comes last, says that the bundle holds. */
  readonly onRecord?: (record: ParsedRecord) => void;
}

/** A file: all its bytes, or a function that reads it from its beginning each time, in pieces of any length. */
export type FileSource = Uint8Array | OpenFile;
export type OpenFile = () => AsyncIterable<Uint8Array>;

export interface FileReport {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly findingsDropped: number;
  readonly form: 'bundle' | 'receipt' | 'evidence' | 'unknown';
  readonly keySource: 'given' | 'bundle' | 'none';
  /** The log's origin. */
  readonly log?: string;
  readonly session?: string;
  /** The number of whole sessions in evidence. */
  readonly sessions?: number;
  /** `records`: a selection of records. `open`: a session that was not closed, with all its records up to the checkpoint. `closed`: a whole session. */
  readonly extent?: 'records' | 'open' | 'closed';
  readonly counts: {
    readonly records: number;
    /** Number of sealed bodies that the file shows. */
    readonly opened: number;
    /** Number of sealed bodies that the file does not show. */
    readonly withheld: number;
    /** Number of records of which the facts alone are kept. */
    readonly factsOnly: number;
  };
  /** Number of records of policies. Absent: the bundle has no place for them. */
  readonly policies?: number;
  /** The size of the log that the checkpoint signs. */
  readonly logSize?: number;
  /**
   * The checkpoint that was given as known is the `same` as that of the file, or `earlier`. An earlier one proves nothing here: the file cannot show that both
   * belong to one history.
   */
  readonly known?: 'same' | 'earlier';
  /** The earliest timestamp of the checkpoint: its records were there at that time. Missing if no authorities of timestamps were given. */
  readonly timestamp?: StampedCheckpoint;
  /** Unix ms of the newest record in the file. */
  readonly newestMs?: number;
}

/** An empty report, for a file about which nothing more is known. */
export function emptyReport(findings: Findings): Pick<FileReport, 'verdict' | 'findings' | 'findingsDropped' | 'counts'> {
  return {
    verdict: findings.verdict,
    findings: findings.list,
    findingsDropped: findings.dropped,
    counts: { records: 0, opened: 0, withheld: 0, factsOnly: 0 },
  };
}

/** Compares the checkpoint of a file with one that was kept elsewhere. */
export async function compareKnown(note: string, signed: SignedCheckpoint, keys: SigningKeys, findings: Findings): Promise<'same' | 'earlier' | undefined> {
  const where = 'known checkpoint';
  const known = await checkNote(encodeUtf8(note), where, keys, findings);
  if (known === undefined) {
    return undefined;
  }
  if (known.origin !== signed.origin) {
    findings.add('trust', where, 'is of another log');
  } else if (known.size > signed.size) {
    findings.add('trust', where, `has the size ${known.size}: the file, with ${signed.size}, is older`);
  } else if (known.size === signed.size && !equalBytes(known.root, signed.root)) {
    findings.add('trust', where, 'is of another history');
  } else {
    return known.size === signed.size ? 'same' : 'earlier';
  }
  return undefined;
}

/** Checks the timestamps of the checkpoint of a file, where authorities are given: there must be one that holds. */
export async function checkStamped(
  note: string,
  { size }: Pick<SignedCheckpoint, 'size'>,
  { timestamps: trusted, now = Date.now }: FileOptions,
  findings: Findings,
): Promise<StampedCheckpoint | undefined> {
  if (trusted === undefined) {
    return undefined;
  }
  const stamped = await checkTimestamps(encodeUtf8(note), { size, where: 'checkpoint', trusted, nowMs: now() }, findings);
  if (stamped === undefined) {
    findings.add('trust', 'checkpoint', 'has no timestamp by a trusted authority');
  }
  return stamped;
}

export function checkAge(newestMs: number, { maxAgeMs, now = Date.now }: FileOptions, findings: Findings): void {
  if (maxAgeMs !== undefined && now() - newestMs > maxAgeMs) {
    findings.add('trust', 'file', 'its newest record is older than allowed');
  }
}

export function nameOf(record: { readonly index: number }): string {
  return `record ${record.index}`;
}

/** Checks that the leaf is in the log at its index. */
export function checkInclusion(
  record: {
    readonly index: number;
    readonly leaf: Uint8Array;
    readonly decoded: Leaf;
    readonly proof: readonly Uint8Array[];
  },
  { origin, size, root }: SignedCheckpoint,
  findings: Findings,
): void {
  const { index, leaf, proof, decoded } = record;
  if (decoded.logIndex !== index || gatewayIdOf(origin) !== decoded.gatewayId) {
    findings.add('integrity', nameOf(record), 'leaf of another index or another log');
  }
  if (!verifyInclusion({ index, size, leafHash: leafHash(leaf), root, proof })) {
    findings.add('integrity', nameOf(record), 'is not in the log under the checkpoint');
  }
}
