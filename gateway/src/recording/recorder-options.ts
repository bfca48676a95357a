import type { KeyStore } from './key-store.ts';
import type { Rollback } from './open-store.ts';
import type { JournalEnd } from './recovery.ts';
import type { Retention } from './retention.ts';

export interface RecorderOptions {
  readonly data: string;
  readonly software: string;
  readonly keys: KeyStore;
  readonly retention: Retention;
  readonly end: JournalEnd;
  /** What was lost in a rollback. It is declared in the record of the epoch. */
  readonly rollback?: Rollback | null;
  readonly clock: () => number;
  /** 16 random bytes as hex. */
  readonly newSessionId: () => string;
  /** Called after a write or sync of the journal whose result is unknown. The recorder records nothing more; the process must end. */
  readonly onFatal: (error: Error) => void;
  /** Called for a failure that is retried. It is visible only in the gateway's log. */
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly segmentBytes?: number;
}

export interface PublishedCheckpoint {
  readonly size: number;
  readonly note: string;
}
