import type { ClassDay, DaySpan } from './key-store.ts';
import type { SecretName } from './wraps.ts';

/** Which records are to be erased. */
export interface WantedErasable {
  /** In the language of searches. It is asked of all that is recorded. */
  readonly query: string;
  /** The time from which ages in the query count, in ms since 1970. */
  readonly nowMs: number;
  /** True: the facts too. False: contents alone. */
  readonly facts: boolean;
  /** Only secrets with these names, `KEY SLOT`. Absent: all. */
  readonly only?: ReadonlySet<string>;
}

/** A secret that seals something of a record for which the query holds, and of others perhaps. */
export interface ErasableSecret extends SecretName {
  readonly session: string;
  /** The class and day that the leaves of its bodies name. */
  readonly under: ClassDay;
  /** The days of the records that it seals. */
  readonly days: DaySpan;
}

/** The secrets with which the records end for which a query holds. */
export interface Erasable {
  readonly secrets: readonly ErasableSecret[];
  /** The number of records for which the query holds and of which something goes, and of others that go with them. */
  readonly records: number;
  readonly besides: number;
  /** The number of records for which the query holds, and of which the gateway keeps what it says: who did what with the gateway itself. */
  readonly own: number;
  /** The index in the log of the first record of which something goes; 0 if there is none. */
  readonly first: number;
}
