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
  /** Declared in the record of the epoch. */
  readonly rollback?: Rollback | null;
  readonly clock: () => number;
  /** 16 random bytes as hex. */
  readonly newSessionId: () => string;
  /** A journal write or sync of unknown result. The recorder records nothing any more; the process must end. */
  readonly onFatal: (error: Error) => void;
  /** Something that is retried and can be seen only in the log. */
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly segmentBytes?: number;
}

export interface PublishedCheckpoint {
  readonly size: number;
  readonly note: string;
}
