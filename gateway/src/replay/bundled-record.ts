import { MalformedError, type ParsedRecord } from '@countersign/ledger';
import { decodeUtf8, encodeUtf8, leafFlags, parseGovernanceBody, type BundleBody } from '@countersign/ledger/format';
import { parseRecordedMeta, type RecordedMeta } from './recorded-meta.ts';

/** The latest time that a `Date` can hold, in ms since 1970. */
const timeMsMax = 8.64e15;

/** A record with those of its bodies that could be opened. */
export interface BundledRecord {
  readonly session: string;
  readonly seq: number;
  /** The place of the record in the log: `LOG/INDEX`. */
  readonly record: string;
  readonly timeMs: number;
  readonly kind: string;
  readonly continues: boolean;
  readonly meta: RecordedMeta | null;
  /** The body of a governance leaf. */
  readonly governance: Readonly<Record<string, unknown>> | null;
  readonly content: Buffer | null;
  /** The reason why content is missing: it is `not_in_bundle`, or it was `not_kept`, because policy keeps the facts alone. */
  readonly withheld: 'not_in_bundle' | 'not_kept' | null;
}

/** Opens a record of a bundle. Throws `MalformedError`. */
export function openBundled({ decoded, meta, content }: ParsedRecord): BundledRecord {
  if (decoded.timeMs > timeMsMax) {
    throw new MalformedError('a record with an invalid time');
  }
  return {
    session: decoded.session,
    seq: decoded.sessionSeq,
    record: `${decoded.gatewayId}/${decoded.logIndex}`,
    timeMs: decoded.timeMs,
    kind: decoded.kind,
    continues: (decoded.flags & leafFlags.continues) !== 0,
    meta: parseMeta(meta),
    governance: meta.form === 'clear' ? parseGovernanceBody(decoded.kind, encodeUtf8(meta.text)) : null,
    content: content.form === 'opened' ? Buffer.from(content.plaintext) : null,
    withheld: content.form === 'withheld' || meta.form === 'withheld' ? 'not_in_bundle' : (decoded.flags & leafFlags.factsOnly) === 0 ? null : 'not_kept',
  };
}

function parseMeta(body: BundleBody): RecordedMeta | null {
  return body.form === 'opened' ? parseRecordedMeta(decodeUtf8(body.plaintext)) : null;
}
