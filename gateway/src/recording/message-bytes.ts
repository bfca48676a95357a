import { countOf } from '../domain/count-of.ts';
import { bodyEncodings } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { OpenedRecord } from '../domain/record.ts';
import { Turn } from './turn.ts';
import { readSession, SessionWalk, type RawRecord, type SessionExtent, type SessionOpener } from './session-reader.ts';

/** Bytes of a record and of the parts that continue it, counted from 0; `to` is the last one, null: the last that there is. */
export interface MessageRange {
  readonly record: number;
  readonly from: number;
  readonly to: number | null;
}

/** Yields the bytes of a range as they were recorded in a store; see `messageBytes`. */
export async function* readMessageBytes(data: string, extent: SessionExtent, opener: SessionOpener, range: MessageRange): AsyncGenerator<Uint8Array> {
  yield* messageBytes(openFrom(data, extent, { opener, seq: range.record }), extent.session, range);
}

/** Yields the records of a session from record `seq` on. */
async function* openFrom(
  data: string,
  extent: SessionExtent,
  { opener, seq }: { readonly opener: SessionOpener; readonly seq: number },
): AsyncGenerator<OpenedRecord> {
  const turn = new Turn();
  for await (const raw of readSession(data, extent, new SessionWalk(extent.session))) {
    if (raw.leaf.sessionSeq < seq) {
      openRepeated(opener, raw);
      await turn.spend(0);
    } else {
      const record = opener.open(raw);
      await turn.spend(record.content?.length ?? 0);
      yield record;
    }
  }
}

/**
 * Yields the bytes of a range of a message as they were recorded: of a record and of the parts that continue it, part by part, without holding them. Reads no
 * further than the range and the message go. `records` are those of a session in order; those before the message are skipped. Throws GatewayError `not_found`
 * if there is no such record, or no byte in the range; `store_damaged`, after the bytes that are whole.
 */
export async function* messageBytes(records: AsyncIterable<OpenedRecord>, session: string, range: MessageRange): AsyncGenerator<Uint8Array> {
  let first: OpenedRecord | null = null;
  /** Number of bytes of the message in the records so far. */
  let passed = 0;
  let isGiven = false;
  for await (const record of records) {
    if (record.seq < range.record || (first !== null && !isPartOf(first, record))) {
      continue;
    }
    first ??= record;
    const content = contentOf(record);
    const bytes = content.subarray(Math.max(range.from - passed, 0), range.to === null ? undefined : Math.max(range.to + 1 - passed, 0));
    passed += content.length;
    if (bytes.length > 0) {
      isGiven = true;
      yield bytes;
    }
    if (!record.continues || (range.to !== null && passed > range.to)) {
      break;
    }
  }
  if (first === null) {
    throw new GatewayError('not_found', `Session ${session} has no record ${range.record}: session show prints the number of each record after #.`);
  }
  if (!isGiven) {
    throw new GatewayError(
      'not_found',
      passed === 0
        ? `Record ${range.record} holds no bytes.`
        : `Record ${range.record} and the parts that continue it have ${countOf(passed, 'byte')}, from byte 0 to byte ${passed - 1}: there is no byte ${range.from}.`,
    );
  }
}

/** Opens of an earlier record only the bodies that later bodies may copy from. */
function openRepeated(opener: SessionOpener, raw: RawRecord): void {
  opener.learnSecrets(raw);
  for (const slot of ['meta', 'content'] as const) {
    if ((raw.entry.header[slot].encoding & bodyEncodings.spliced) !== 0) {
      opener.openBody(raw, slot);
    }
  }
}

/** True if a record continues the message that `first` began: it has the same direction and channel, and belongs to the same request if it belongs to one. Also true if that cannot be read. */
function isPartOf(first: OpenedRecord, { kind, meta }: OpenedRecord): boolean {
  if (kind !== first.kind) {
    return false;
  }
  if (meta === null || first.meta === null) {
    return true;
  }
  if (meta.channel !== first.meta.channel) {
    return false;
  }
  const stream = 'log.iostream';
  return meta.request === undefined || first.meta.request === undefined
    ? meta.request === first.seq || (meta.request === first.meta.request && meta.attributes?.[stream] === first.meta.attributes?.[stream])
    : meta.request === first.meta.request || meta.request === first.seq;
}

/** The content of a record. Throws GatewayError `not_found` if its key is destroyed or the bundle lacks it, `store_damaged` if it is not what its leaf commits to. */
function contentOf({ seq, session, withheld, content }: OpenedRecord): Uint8Array {
  if (withheld === 'mismatch') {
    throw new GatewayError('store_damaged', `Record ${seq} of session ${session} is not what its leaf commits to. countersign verify --data DIR says more.`);
  }
  if (withheld === 'not_in_bundle') {
    throw new GatewayError('not_found', `The bytes of record ${seq} are not in the bundle. That they were recorded is proven.`);
  }
  if (withheld === 'not_kept') {
    throw new GatewayError('not_found', `The bytes of record ${seq} were not kept: policy keeps the facts alone. That there was such a record is proven.`);
  }
  if (withheld === 'erased') {
    throw new GatewayError('not_found', `The bytes of record ${seq} are erased: the key that opened them is destroyed. That they were recorded stays proven.`);
  }
  return content ?? new Uint8Array();
}
