/** The report on the verification of a single file (bundle or receipt), and the check that both share. */
import { gatewayIdOf } from './checkpoint.ts';
import { leafHash, type Leaf } from './leaf.ts';
import type { ParsedRecord } from './bundle.ts';
import type { VerifierKey } from './note.ts';
import { equalBytes, verifyInclusion } from './proof.ts';
import { checkNote, type SignedCheckpoint } from './store-trust.ts';
import { encodeUtf8 } from './text.ts';
import type { Finding, Findings, Verdict } from './verdict.ts';

export interface FileOptions {
  /** C2SP verifier keys to trust. A bundle names its own, used when none are given; a receipt cannot hold without. */
  readonly keys?: readonly string[];
  /** A checkpoint (signed note) of this log that was kept elsewhere: that of the file must not be older, nor, at the same size, another. */
  readonly known?: string;
  /** The greatest age of the newest record in the file, in ms. */
  readonly maxAgeMs?: number;
  readonly now?: () => number;
  /** Each record of a bundle as it is read. What it says is believed once the report, which comes last, holds. */
  readonly onRecord?: (record: ParsedRecord) => void;
}

/** A file that can be read from its beginning as often as it is asked for, in pieces of any length; or all of it. */
export type FileSource = Uint8Array | (() => AsyncIterable<Uint8Array>);

export interface FileReport {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly findingsDropped: number;
  readonly form: 'bundle' | 'receipt' | 'unknown';
  readonly keySource: 'given' | 'bundle' | 'none';
  /** The log's origin. */
  readonly log?: string;
  readonly session?: string;
  /** `records`: a selection. `open`: all up to the checkpoint of a session that was not closed. `closed`: the whole session. */
  readonly extent?: 'records' | 'open' | 'closed';
  readonly counts: {
    readonly records: number;
    /** Sealed bodies shown, and not shown. */
    readonly opened: number;
    readonly withheld: number;
  };
  /** The size of the log that the checkpoint signs. */
  readonly logSize?: number;
  /** The checkpoint that was given as known is the `same` as that of the file, or `earlier`: then the file cannot show that both are of one history. */
  readonly known?: 'same' | 'earlier';
  /** The newest record in the file, Unix ms. */
  readonly newestMs?: number;
}

/** The report of a file of which nothing more is known. */
export function emptyReport(findings: Findings): Pick<FileReport, 'verdict' | 'findings' | 'findingsDropped' | 'counts'> {
  return {
    verdict: findings.verdict,
    findings: findings.list,
    findingsDropped: findings.dropped,
    counts: { records: 0, opened: 0, withheld: 0 },
  };
}

/** Holds the checkpoint of a file against one that was kept elsewhere. */
export async function compareKnown(
  note: string,
  signed: SignedCheckpoint,
  keys: readonly VerifierKey[],
  findings: Findings,
): Promise<'same' | 'earlier' | undefined> {
  const where = 'known checkpoint';
  const known = await checkNote(encodeUtf8(note), where, keys, findings);
  if (known === undefined) {
    return undefined;
  }
  if (known.origin !== signed.origin) {
    findings.add('trust', where, 'is of another log');
  } else if (known.size > signed.size) {
    findings.add('trust', where, `is over ${known.size} records: the file, over ${signed.size}, is older`);
  } else if (known.size === signed.size && !equalBytes(known.root, signed.root)) {
    findings.add('trust', where, 'is of another history');
  } else {
    return known.size === signed.size ? 'same' : 'earlier';
  }
  return undefined;
}

export function checkAge(newestMs: number, { maxAgeMs, now = Date.now }: FileOptions, findings: Findings): void {
  if (maxAgeMs !== undefined && now() - newestMs > maxAgeMs) {
    findings.add('trust', 'file', 'its newest record is older than allowed');
  }
}

export function nameOf(record: { readonly index: number }): string {
  return `record ${record.index}`;
}

/** The leaf is in the log at its index. */
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
