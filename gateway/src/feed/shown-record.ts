import type { Attributes } from '../domain/action.ts';
import type { RenderedTable } from '../domain/record.ts';

/**
 * The sessions to list: those that come after the session `after`, at most `limit`, the oldest first or the newest. With `begin`, only those whose ids begin with these hex digits, whatever
 * else is asked for.
 */
export interface SessionPage {
  readonly which: 'clients' | 'all';
  readonly order?: 'oldest' | 'newest';
  readonly after?: string;
  readonly limit?: number;
  readonly begin?: string;
}

/** One line of `session list --json`. */
export interface SessionSummary {
  /** 32 hex digits. */
  readonly session: string;
  readonly principal: string | null;
  /** ISO 8601, UTC. */
  readonly opened: string;
  readonly closed: string | null;
  readonly targets: readonly string[];
  readonly records: number;
  /** `open`, `closed`, `halted`, `suspended` with its principal, or `interrupted` by a crash of the gateway. */
  readonly state: 'open' | 'closed' | 'halted' | 'suspended' | 'interrupted';
}

/** One line of `session show ID --json`. */
export interface ShownRecord {
  readonly session: string;
  readonly seq: number;
  /** ISO 8601, UTC, with milliseconds. */
  readonly time: string;
  readonly channel: number | null;
  readonly target: string | null;
  readonly protocol: string | null;
  readonly kind: string;
  readonly action: string | null;
  readonly principal: string | null;
  readonly verdict: string | null;
  readonly policies: readonly string[];
  readonly attributes: Attributes;
  readonly content: ShownContent | null;
  /** `LOG/INDEX`: what `countersign receipt` takes. */
  readonly record: string;
}

/** The content of a record in readable form. `bytes` is the number of recorded bytes. `text` is the readable text, in which control characters are raw. */
export interface ShownContent {
  readonly mediaType: string;
  readonly text?: string;
  readonly base64?: string;
  readonly bytes: number;
  /** The rows in the text, for who asked for them. */
  readonly tables?: readonly RenderedTable[];
}
