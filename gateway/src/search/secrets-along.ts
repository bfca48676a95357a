import type { Leaf } from '@countersign/ledger/format';
import type { KeyStore } from '../recording/key-store.ts';
import { SessionOpener, type RawRecord } from '../recording/session-reader.ts';
import type { SealingSecret, SealingSecrets } from './record-opener.ts';

/** Most sessions that are being read at a time. One that gives way is read again from its beginning. */
const readersMax = 16;

interface SessionReading {
  readonly records: AsyncGenerator<RawRecord>;
  readonly opener: SessionOpener;
  /** The secrets of its records so far, by their names. */
  readonly secrets: Map<string, SealingSecret>;
}

/** Finds the secrets of records along their sessions, for those that need too much to be read alone. Records come in the order of the log, so that each session is read once. */
export class SecretsAlong implements AsyncDisposable {
  readonly #keys: KeyStore;
  readonly #read: (session: string) => Promise<AsyncGenerator<RawRecord>>;
  readonly #readings = new Map<string, SessionReading>();

  /** `read` reads the records of a session, in order. */
  constructor(keys: KeyStore, read: (session: string) => Promise<AsyncGenerator<RawRecord>>) {
    this.#keys = keys;
    this.#read = read;
  }

  /** Returns the secrets that seal a record, and all that seal what is before it in its session; null: its session ends before it. */
  async find({ session, sessionSeq }: Leaf): Promise<SealingSecrets | null> {
    const known = this.#readings.get(session);
    const reading = known ?? { records: await this.#read(session), opener: new SessionOpener(this.#keys), secrets: new Map<string, SealingSecret>() };
    this.#readings.set(session, reading);
    const [oldest = session] = this.#readings.keys();
    if (this.#readings.size > readersMax) {
      await this.#readings.get(oldest)?.records.return(null);
      this.#readings.delete(oldest);
    }
    for (;;) {
      const next = await reading.records.next();
      if (next.done === true) {
        return null;
      }
      const own = reading.opener.secretsOf(next.value);
      for (const secret of own) {
        reading.secrets.set(`${secret.key} ${secret.slot}`, secret);
      }
      if (next.value.leaf.sessionSeq === sessionSeq) {
        return { leaf: next.value.leaf, own, secrets: [...reading.secrets.values()] };
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { records } of this.#readings.values()) {
      await records.return(null);
    }
  }
}
