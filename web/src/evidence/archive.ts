/** The evidence in the page: verified, and then read session by session. */
import { BundledSession, type OpenedRecord } from '@countersign/gateway/bundled-session';
import { verifyFile, type FileOptions, type FileReport, type ParsedRecord } from '@countersign/ledger';
import {
  bundleLineBytesMax,
  decodeUtf8,
  isBundleCheckpoint,
  isBundlePolicy,
  parseBundleCheckpoint,
  parseBundlePolicy,
  parseEvidenceHeader,
  splitLines,
  type EvidenceHeader,
} from '@countersign/ledger/format';
import type { Schemas } from '../api/schema.ts';

/** A session of the evidence, or records of one of the gateway's own. */
export interface EvidenceSession {
  readonly session: string;
  readonly records: readonly ParsedRecord[];
}

/** Evidence that holds. */
export interface Evidence {
  readonly header: EvidenceHeader;
  readonly checkpoint: string;
  readonly sessions: readonly EvidenceSession[];
  /** The records that say how long is kept what, what is held and what was erased. */
  readonly governance: readonly ParsedRecord[];
  /** The records of policies, by their versions. */
  readonly policies: ReadonlyMap<string, ParsedRecord>;
}

export interface VerifiedEvidence {
  readonly report: FileReport;
  /** Null: it does not hold, and nothing of it is shown. */
  readonly evidence: Evidence | null;
}

/** A session as people see it. */
export interface ShownSession {
  readonly records: readonly Schemas['ShownRecord'][];
  readonly opened: readonly OpenedRecord[];
}

/** Verifies evidence by what is trusted; without keys the one in it is used. Rejects with `MalformedError` for keys that are none. */
export async function verifyEvidence(bytes: Uint8Array, trusted: Pick<FileOptions, 'keys' | 'timestamps'>): Promise<VerifiedEvidence> {
  const bySession = new Map<string, ParsedRecord[]>();
  const report = await verifyFile(bytes, {
    ...trusted,
    onRecord: (record) => {
      const records = bySession.get(record.decoded.session) ?? [];
      bySession.set(record.decoded.session, records);
      records.push(record);
    },
  });
  if (report.verdict !== 'holds' || report.form !== 'evidence') {
    return { report, evidence: null };
  }
  let header: EvidenceHeader | null = null;
  let checkpoint = '';
  const policies = new Map<string, ParsedRecord>();
  for await (const line of splitLines(piecesOf(bytes), bundleLineBytesMax)) {
    const text = decodeUtf8(line);
    header ??= parseEvidenceHeader(text);
    if (isBundleCheckpoint(text)) {
      checkpoint = parseBundleCheckpoint(text);
    } else if (isBundlePolicy(text)) {
      const record = parseBundlePolicy(text);
      policies.set(String(clearOf(record)['version']), record);
    }
  }
  const all = [...bySession].map(([session, records]) => ({ session, records }));
  const isGovernance = ({ records }: EvidenceSession): boolean => records[0]?.decoded.sessionSeq !== 0 || records[0].decoded.kind === 'epoch';
  return {
    report,
    evidence:
      header === null
        ? null
        : {
            header,
            checkpoint,
            policies,
            sessions: all.filter((session) => !isGovernance(session)),
            governance: all.filter(isGovernance).flatMap(({ records }) => records.filter(({ decoded }) => decoded.kind !== 'epoch')),
          },
  };
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield Promise.resolve(bytes);
}

/** Returns the body of a leaf of governance. The verification has read it before. */
export function clearOf({ meta }: Pick<ParsedRecord, 'meta'>): Readonly<Record<string, unknown>> {
  return meta.form === 'clear' ? { ...Object(JSON.parse(meta.text)) } : {};
}

/** Makes of the records of a session what people see, from the bodies that were verified. Throws `MalformedError`. */
export function showSession({ records }: Pick<EvidenceSession, 'records'>): ShownSession {
  const session = new BundledSession();
  const all = records.map((record) => session.show(record));
  return { records: all.map(({ shown }) => shown), opened: all.map(({ opened }) => opened) };
}
