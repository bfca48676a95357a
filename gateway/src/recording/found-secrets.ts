import type { ClassDay, DaySpan } from './key-store.ts';
import type { SecretName } from './wraps.ts';

/** A secret that opens records for which a query holds, or what these need of earlier ones. */
export interface FoundSecret extends SecretName {
  /** The class and day that the leaves of its bodies name. */
  readonly under: ClassDay;
  /** The time of the newest of the records for which the query holds, in ms since 1970. */
  readonly lastMs: number;
}

/** The secrets of some of the records for which a query holds. */
export interface FoundSecrets {
  readonly secrets: readonly FoundSecret[];
  /** The number of these records, and the time of the oldest, in ms since 1970; null: there are none. */
  readonly records: number;
  readonly oldestMs: number | null;
  /** The index in the log of the first record that was not looked at. */
  readonly next: number;
}

export interface WantedSecrets {
  /** In the language of searches. It is asked of all that is recorded. */
  readonly query: string;
  /** The time from which ages in the query count, in ms since 1970. */
  readonly nowMs: number;
  /** Only records from this index of the log on. */
  readonly from: number;
  /** Only records of these days. Absent: of all. */
  readonly days?: DaySpan;
}

/** Finds secrets, in the order of the log. Throws GatewayError `malformed` if the query cannot be read, `catching_up` unless the index has all records, `store_damaged`. */
export type FindSecrets = (wanted: WantedSecrets) => AsyncIterable<FoundSecrets>;
