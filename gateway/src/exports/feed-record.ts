import type { ShownRecord } from '../feed/shown-record.ts';

/** A record on its way out of the gateway. */
export interface FeedRecord {
  /** The index of the record in the log. */
  readonly index: number;
  /** The record, without its content if that is to stay in the gateway. */
  readonly shown: ShownRecord;
  /** The values of its fields, as queries see them: those of the request to which it belongs among them. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}
