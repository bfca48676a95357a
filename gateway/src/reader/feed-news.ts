import type { AlertNews } from '../alerts/alert-watch.ts';
import type { AlertRule } from '../domain/alert.ts';
import type { StreamSettings } from '../domain/sink.ts';
import type { SinkNews } from '../exports/sink-stream.ts';
import type { SinkState } from '../exports/sink-streams.ts';

/** The settings of what follows the record. */
export interface FeedSettings {
  readonly rules: readonly AlertRule[];
  readonly sinks: readonly StreamSettings[];
  /** For how many days facts are kept; null: forever. It is that of the start. */
  readonly keptDays: number | null;
  /** The number of records in the log. */
  readonly written: number;
}

/** The news of what follows the record, for the thread that records. */
export type FeedNews = { readonly alerts: readonly AlertNews[] } | { readonly sink: SinkNews } | { readonly states: readonly SinkState[] };
