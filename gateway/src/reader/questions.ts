import type { KeyObject } from 'node:crypto';
import type { Sight } from '../access/rights.ts';
import type { Query } from '../query/query.ts';
import type { ExportForm } from './export-lines.ts';
import type { FeedNews, FeedSettings } from './feed-news.ts';
import type { EvidenceOptions } from '../feed/evidence-archive.ts';
import type { WantedUsage } from '../feed/recorded-usage.ts';
import type { WantedActivities } from '../feed/left-activities.ts';
import type { SessionPage } from '../feed/shown-record.ts';
import type { WantedErasable } from '../recording/erasable.ts';
import type { WantedSecrets } from '../recording/found-secrets.ts';
import type { MessageRange } from '../recording/message-bytes.ts';
import type { IndexedSession } from '../feed/session-index.ts';
import type { WantedRecords, WantedSessions, WantedExport } from '../search/found.ts';
import type { Hiding } from '../search/hidden-bodies.ts';
import type { WantedReviews } from '../search/reviews.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';

/** A question to the reader thread. `seen` are the records of which whoever asks may see anything, and of a `sight` also those of which they see the content. `found` is the answer to `find`: between the two, the gateway records who reads the session. */
export type Question =
  | { readonly ask: 'find'; readonly session: string; readonly seen: Query }
  | { readonly ask: 'covers'; readonly session: string; readonly seen: Query }
  | { readonly ask: 'list'; readonly page: SessionPage; readonly seen: Query }
  | { readonly ask: 'locate'; readonly index: number; readonly seen: Query }
  | { readonly ask: 'locatePolicy'; readonly version: string }
  | { readonly ask: 'show'; readonly found: IndexedSession; readonly only: number | null; readonly sight: Sight; readonly hasTables: boolean }
  | { readonly ask: 'trace'; readonly found: IndexedSession; readonly seq: number; readonly sight: Sight }
  | { readonly ask: 'compare'; readonly a: IndexedSession; readonly b: IndexedSession; readonly sight: Sight }
  | { readonly ask: 'watch'; readonly found: IndexedSession; readonly sight: Sight; readonly hasTables: boolean }
  | { readonly ask: 'bytes'; readonly found: IndexedSession; readonly range: MessageRange }
  | { readonly ask: 'bundle'; readonly found: IndexedSession; readonly checkpoint: PublishedCheckpoint; readonly policies: boolean }
  | { readonly ask: 'sessionsWith'; readonly wanted: Pick<WantedRecords, 'query' | 'besides' | 'nowMs' | 'sight' | 'limit'> }
  | { readonly ask: 'evidence'; readonly wanted: WantedEvidence }
  | { readonly ask: 'receipt'; readonly index: number; readonly checkpoint: PublishedCheckpoint }
  | { readonly ask: 'usage'; readonly wanted: WantedUsage }
  | { readonly ask: 'activities'; readonly wanted: WantedActivities }
  | { readonly ask: 'search'; readonly wanted: WantedRecords }
  | { readonly ask: 'export'; readonly wanted: WantedExport; readonly form: ExportForm }
  | { readonly ask: 'alerts' }
  | { readonly ask: 'sessions'; readonly wanted: WantedSessions }
  | { readonly ask: 'reviews'; readonly wanted: WantedReviews }
  | { readonly ask: 'verified'; readonly query: string; readonly nowMs: number; readonly checkpoint: PublishedCheckpoint }
  | { readonly ask: 'secrets'; readonly wanted: WantedSecrets }
  | { readonly ask: 'erasable'; readonly wanted: WantedErasable }
  | { readonly ask: 'savedSearches'; readonly nowMs: number; readonly checkpoint: PublishedCheckpoint }
  | { readonly ask: 'keptSecrets' }
  | { readonly ask: 'rebuild' }
  | { readonly ask: 'dropErased'; readonly from: number | null }
  | { readonly ask: 'expectRoot'; readonly next: KeyObject };

/** Evidence of sessions that were found. */
export interface WantedEvidence {
  readonly sessions: readonly IndexedSession[];
  readonly header: EvidenceOptions['header'];
  readonly hiding: Hiding;
  readonly checkpoint: PublishedCheckpoint;
}

/** A trace of a record, as a line of JSON, and the sessions that were read for it. */
export interface TracedRecord {
  readonly sessions: readonly string[];
  readonly line: Uint8Array;
}

/** The index after it was made again. */
export interface IndexRebuilt {
  readonly sessions: number;
  readonly records: number;
}

/**
 * A message to the thread. An answer comes in pieces: `begin` and each `more` ask for one, so that no more is made than is taken. `leave`: nobody waits for the
 * rest. `written` is the number of records in the log. `feed` has the settings of what follows the record.
 */
export type ToThread =
  | { readonly call: number; readonly begin: Question; readonly written: number }
  | { readonly call: number; readonly more: true }
  | { readonly call: number; readonly leave: true }
  | { readonly feed: FeedSettings }
  | { readonly stop: true };

/** A message from the thread. Each `begin` or `more` is answered by one message with its `call`. `memory` and `records` are those of the `IndexState` of the index of sessions, and of that of records. */
export type FromThread =
  | { readonly ready: { readonly memory: SharedArrayBuffer; readonly records: SharedArrayBuffer } }
  | { readonly call: number; readonly piece: unknown }
  | { readonly call: number; readonly done: true }
  | { readonly call: number; readonly failed: SentError }
  | { readonly failed: SentError }
  | { readonly trouble: { readonly what: string; readonly error: SentError } }
  | { readonly news: FeedNews }
  | { readonly differs: string };

/** An error in the form that is sent between threads. `code` is that of a `GatewayError`, null for a bug. */
export interface SentError {
  readonly code: string | null;
  readonly message: string;
  readonly stack: string;
}
