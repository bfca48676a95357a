import { bodyEncodings } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { OpenedRecord } from '../domain/record.ts';
import type { MessageRange } from '../domain/shown-record.ts';
import { Turn } from '../domain/turn.ts';
import { readSession, SessionWalk, type RawRecord, type SessionExtent, type SessionOpener } from './session-reader.ts';

/** The bytes of a range as they were recorded in a store; see `messageBytes`. */
export async function* readMessageBytes(data: string, extent: SessionExtent, opener: SessionOpener, range: MessageRange): AsyncGenerator<Uint8Array> {
  yield* messageBytes(openFrom(data, extent, { opener, seq: range.record }), extent.session, range);
}

/** The records of a session from one of them on. */
async function* openFrom(
  data: string,
  extent: SessionExtent,
  { opener, seq }: { readonly opener: SessionOpener; readonly seq: number },
): AsyncGenerator<OpenedRecord> {
  const turn = new Turn();
  for await (const raw of readSession(data, extent, new SessionWalk(extent.session))) {
    if (raw.leaf.sessionSeq < seq) {
      await openRepeated(opener, raw);
      await turn.spend(0);
    } else {
      const record = await opener.open(raw);
      await turn.spend(record.content?.length ?? 0);
      yield record;
    }
  }
}

/**
 * The bytes of a range as they were recorded, of a record and of the parts that continue it, a part after the other: nothing is held of them. Reads no further than
 * the range and the message go. `records`: those of a session in order; what comes before the record is passed over. Errors: `not_found` where there is no such record, or no byte in
 * the range; `store_damaged`, behind what is whole.
 */
export async function* messageBytes(records: AsyncIterable<OpenedRecord>, session: string, range: MessageRange): AsyncGenerator<Uint8Array> {
  let first: OpenedRecord | null = null;
  /** Of the message, in the records that were passed. */
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
    throw new GatewayError('not_found', `Session ${session} has no record ${range.record}: session show prints the number of each, behind #.`);
  }
  if (!isGiven) {
    throw new GatewayError(
      'not_found',
      passed === 0
        ? `Record ${range.record} holds no bytes.`
        : `Record ${range.record} and the parts that continue it have ${passed} bytes, from byte 0 to byte ${passed - 1}: there is no byte ${range.from}.`,
    );
  }
}

/** Of an earlier record only what later ones may copy from is opened. */
async function openRepeated(opener: SessionOpener, raw: RawRecord): Promise<void> {
  opener.learnKey(raw);
  for (const slot of ['meta', 'content'] as const) {
    if ((raw.entry.header[slot].encoding & bodyEncodings.spliced) !== 0) {
      await opener.openBody(raw, slot);
    }
  }
}

/** Whether a record goes on with what `first` began: in the same direction of the same channel, and of the same request where it is of one. Where that cannot be read, it may. */
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

/** Errors: `not_found` where its key is destroyed, `store_damaged` where it is not what its leaf commits to. */
function contentOf({ seq, session, withheld, content }: OpenedRecord): Uint8Array {
  if (withheld === 'mismatch') {
    throw new GatewayError('store_damaged', `Record ${seq} of session ${session} is not what its leaf commits to. countersign verify --data DIR says more.`);
  }
  if (withheld === 'not_in_bundle') {
    throw new GatewayError('not_found', `The bytes of record ${seq} are not in the bundle. That they were recorded is proven.`);
  }
  if (withheld === 'erased') {
    throw new GatewayError('not_found', `The bytes of record ${seq} are erased: the key that opened them is destroyed. That they were recorded stays proven.`);
  }
  return content ?? new Uint8Array();
}
