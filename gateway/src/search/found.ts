import type { PublishedCheckpoint } from '../recording/publisher.ts';
import type { SessionSummary, ShownRecord } from '../feed/shown-record.ts';

/** A search. */
export interface WantedRecords {
  readonly query: string;
  /** Further conditions in the same language. */
  readonly besides: readonly string[];
  /** The time from which ages count, in ms since 1970. */
  readonly nowMs: number;
  /** Most lines of the answer. */
  readonly limit: number;
  /** Only records before this index of the log. */
  readonly before: number | null;
  /** `records`; `sessions`: the sessions in which they are; or how many records have each value of a field. */
  readonly answer: 'records' | 'sessions' | { readonly countBy: string };
  /** The checkpoint under which records must be in the log. */
  readonly checkpoint: PublishedCheckpoint;
  /** False: nothing of the content is shown or looked for. */
  readonly hasContent: boolean;
}

/** A record that was found, opened, and compared with its leaf and with the query. */
export interface FoundRecord extends Pick<
  ShownRecord,
  'record' | 'session' | 'seq' | 'time' | 'principal' | 'target' | 'protocol' | 'kind' | 'action' | 'verdict' | 'policies' | 'attributes'
> {
  readonly onBehalfOf: string | null;
  /** The part of its text that was looked for, or the beginning. Null if it has none. */
  readonly snippet: string | null;
  /** False if a body of the record is not what its leaf commits to, or the log does not prove its leaf. */
  readonly verified: boolean;
}

export interface FoundSession extends SessionSummary {
  /** How many of its records were found. */
  readonly found: number;
}

export interface CountedValue {
  readonly value: string;
  readonly count: number;
}

/** The end of an answer. */
export interface SearchSummary {
  /** How many records there are that the query may hold for. */
  readonly count: number;
  /** False if the index does not know the order of words in them, so that fewer may be meant. */
  readonly isExact: boolean;
  /** How many records were written and are not in the index yet. */
  readonly behind: number;
  /** `LOG/INDEX` of the last record that was looked at; the rest is before it. Null: there is no rest. */
  readonly next: string | null;
}

/** A line of the answer: one of what was asked for, and in the end the summary. */
export type SearchLine = FoundRecord | FoundSession | CountedValue | { readonly summary: SearchSummary };
