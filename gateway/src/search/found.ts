import type { TargetActivity } from './session-activity.ts';
import type { Sight } from '../access/rights.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import type { SessionPage, SessionSummary, ShownRecord } from '../feed/shown-record.ts';

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
  /** The records that whoever asks may see. Of others there is no trace in the answer. */
  readonly sight: Sight;
}

/** An export of records. */
export interface WantedExport extends Pick<WantedRecords, 'query' | 'besides' | 'nowMs' | 'sight' | 'checkpoint'> {
  /** Only records from this index of the log on. */
  readonly from: number;
  /** True: it goes on with what is recorded, and has no end. */
  readonly follows: boolean;
}

/** A record of an export: what is seen of it, and the values of its fields. */
export interface ExportedRecord {
  readonly index: number;
  readonly shown: ShownRecord;
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly found: FoundRecord;
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

/** The sessions to list. */
export interface WantedSessions extends SessionPage {
  /** Only sessions with a record for which the query holds; null: all. */
  readonly query: string | null;
  /** Conditions on the times at which the sessions began, in the same language. */
  readonly began: readonly string[];
  /** The time from which ages count, in ms since 1970. */
  readonly nowMs: number;
  /** The records that whoever asks may see. Of others there is no trace in the answer. */
  readonly sight: Sight;
  /** True: each overview says how the targets were used. */
  readonly hasActivity?: boolean;
}

/** Something in a session that is worth a look. */
export interface Finding {
  /** The name of the sign, as `denied`. */
  readonly sign: string;
  /** The finding in words. */
  readonly words: string;
  /** How many records show it. */
  readonly count: number;
  /** How much it adds to the risk. */
  readonly weight: number;
  /** The first of the records, as `LOG/INDEX`, and its number in the session. Null: it is the time of the session that shows it. */
  readonly record: string | null;
  readonly seq: number | null;
}

/** A number from 0 to 100, and what adds to it. */
export interface Risk {
  readonly score: number;
  readonly reasons: readonly string[];
}

/** A session as people see it. What is not of `SessionSummary` comes from the index of records. */
export interface SessionOverview extends SessionSummary {
  /** The beginning of the first prompt or statement. Null if there is none, or content is not to be shown. */
  readonly title: string | null;
  /** From the beginning to the end, or to now. */
  readonly durationMs: number;
  /** How many records it has of each kind, also in people's words. */
  readonly counts: Readonly<Record<string, number>>;
  /** The principals for whom it acted. */
  readonly onBehalfOf: readonly string[];
  /** The data classes of values in it. */
  readonly classes: readonly string[];
  readonly risk: Risk;
  readonly findings: readonly Finding[];
  /** How its targets were used over its time; only for who asks for it. */
  readonly activity?: readonly TargetActivity[];
  /** How many of its records are not in the index of records yet. */
  readonly unindexed: number;
}

/** The statement of a person who has looked at a session. */
export interface Review {
  readonly by: string;
  readonly note: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** `LOG/INDEX` of its record. */
  readonly record: string;
}

/** The opinion of a model about a session, which nobody checked. */
export interface ReviewSuggestion {
  readonly model: string;
  /** `low`, `medium` or `high`. */
  readonly risk: string;
  /** The numbers of the records that it names. */
  readonly records: readonly number[];
  /** The session in which the model was asked, with its words. */
  readonly asked: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** `LOG/INDEX` of its record. */
  readonly record: string;
}

export interface ReviewedSession extends SessionOverview {
  /** The newest suggestion of the model that the configuration names; null: there is none. */
  readonly suggestion: ReviewSuggestion | null;
  /** The newest review of it; null: there is none. */
  readonly review: Review | null;
}

/** How many of the sessions that are to be reviewed were. */
export interface ReviewCoverage {
  /** The lowest risk of a session that is to be reviewed. */
  readonly threshold: number;
  /** How many sessions ended, how many of them are to be reviewed, and how many of these were. */
  readonly ended: number;
  readonly toReview: number;
  readonly reviewed: number;
}

/** A query that somebody saved under a name. */
export interface SavedSearch {
  readonly name: string;
  readonly query: string;
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** `LOG/INDEX` of its record. */
  readonly record: string;
}

export interface FoundSession extends SessionOverview {
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
  /** How many records were written and are not in the index yet. Null: some, but how many is not for who sees only a part of the records. */
  readonly behind: number | null;
  /** `LOG/INDEX` of the last record that was looked at; the rest is before it. Null: there is no rest. */
  readonly next: string | null;
}

/** A line of the answer: one of what was asked for, and in the end the summary. */
export type SearchLine = FoundRecord | FoundSession | CountedValue | { readonly summary: SearchSummary };
