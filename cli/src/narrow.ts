import type { ShownRecord } from '@countersign/gateway/domain/shown-record.ts';
import { readRecord } from './show.ts';

/** Which records of a timeline are wanted: those that pass all that is given. */
export interface Narrowing {
  /** None: all. */
  readonly channel: readonly number[];
  readonly kind: readonly string[];
  /** In what a person reads of a record, as it is printed, and in what `--json` has of it; upper and lower case are the same. */
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
  const said = [`${line} ${facts}\n${text}`, ...textsOf(record)];
  return said.some((each) => each.toLowerCase().includes(wanted));
}

/** All names and values of a record. */
function textsOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([name, member]) => [name, ...textsOf(member)]) : [String(value)];
}

export async function* narrowed<Row extends ShownRecord>(records: AsyncIterable<Row>, narrowing: Narrowing): AsyncGenerator<Row> {
  const isWanted = narrow(narrowing);
  let isFound = narrowing.grep === undefined;
  for await (const record of records) {
    if (isWanted(record)) {
      isFound = true;
      yield record;
    }
  }
  if (!isFound) {
    process.stderr.write('countersign: no record reads so\n');
    process.exitCode = 1;
  }
}
