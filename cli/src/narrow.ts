import type { ShownRecord } from '@countersign/gateway/domain/shown-record.ts';
import { readRecord } from './show.ts';

/** Which records of a timeline are wanted: those that pass all that is given. */
export interface Narrowing {
  /** None: all. */
  readonly channel: readonly number[];
  readonly kind: readonly string[];
  /** In what a person reads of a record, as it is printed; upper and lower case are the same. */
  readonly grep?: string;
}

export function narrow({ channel, kind, grep }: Narrowing): (record: ShownRecord) => boolean {
  const wanted = grep?.toLowerCase();
  return (record) =>
    (channel.length === 0 || (record.channel !== null && channel.includes(record.channel))) &&
    (kind.length === 0 || kind.includes(record.kind)) &&
    (wanted === undefined || readsAs(record, wanted));
}

function readsAs(record: ShownRecord, wanted: string): boolean {
  const { line, facts, text } = readRecord(record);
  return `${line} ${facts}\n${text}`.toLowerCase().includes(wanted);
}

export async function* narrowed(records: AsyncIterable<ShownRecord>, narrowing: Narrowing): AsyncGenerator<ShownRecord> {
  const isWanted = narrow(narrowing);
  for await (const record of records) {
    if (isWanted(record)) {
      yield record;
    }
  }
}
