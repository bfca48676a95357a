/** What the verification of a single file (bundle or receipt) says, and the check that both share. */
import { gatewayIdOf } from './checkpoint.ts';
import { leafHash, type Leaf } from './leaf.ts';
import { verifyInclusion } from './proof.ts';
import type { SignedCheckpoint } from './store-trust.ts';
import type { Finding, Findings, Verdict } from './verdict.ts';

export interface FileOptions {
  /** C2SP verifier keys to trust. A bundle names its own, used when none are given; a receipt cannot hold without. */
  readonly keys?: readonly string[];
}

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
