import type { Attributes } from './action.ts';
import type { Channel } from './channel.ts';

/** The way to a target for a question of the gateway's own. */
export type TargetPlace = Pick<Channel, 'target' | 'limits' | 'signal' | 'connect'>;

/** Counts by name. */
export type Counts = ReadonlyMap<string, number>;

/** The counts that a target keeps of what was done with it, at one moment. */
export interface CountsReading {
  /** Counts of two lives are not compared: they began anew, or some were forgotten. */
  readonly life: string;
  readonly counts: Counts;
  /** The text of what is counted, by name, for people. */
  readonly texts: ReadonlyMap<string, string>;
}

/** A record, as far as it is needed to count it. */
export interface CountedRecord {
  readonly session: string;
  readonly seq: number;
  readonly kind: string;
  readonly action: string | null;
  readonly verdict: string | null;
  readonly attributes: Attributes;
}

/** The acts that are recorded, counted as the target does. */
export interface RecordedCounts {
  /** Acts that were certainly done. */
  readonly sure: Counts;
  /** Acts that may have been done or not: they failed, or their answers are not there. */
  readonly maybe: Counts;
  /** Number of acts of which it is not known under which name the target counts them. */
  readonly unnamed: number;
  /** The names of acts that have no answer yet. */
  readonly pending: readonly string[];
}

export interface Tally {
  /** Takes the next record of the target, in the order of the log. Throws GatewayError `limit_exceeded`. */
  add(record: CountedRecord): void;
  finish(): RecordedCounts;
}

/** How what a target counts itself is read, and compared with what is recorded. */
export interface Counting {
  /** Rejects with GatewayError `unsupported` if the target counts nothing, and with those of a connection. */
  read(place: TargetPlace): Promise<CountsReading>;
  /** `pending`: the names of acts that had no answer at the reading before. */
  tally(pending: readonly string[]): Promise<Tally>;
}
