import type { ClassDay, KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { slotNumbers, type SecretName } from '../recording/wraps.ts';

/** So many secrets are wrapped in one transaction and named in one record: it takes the thread that serves some milliseconds, and the body of the record has room for several times as many. */
const sliceMax = 128;

interface SecretWrapsParts {
  readonly recorder: Pick<Recorder, 'own' | 'size' | 'append' | 'recordNewKeys' | 'whenCommitted'>;
  readonly keys: Pick<KeyStore, 'wrap' | 'untoldWraps' | 'noteWraps'>;
}

/** Keeps secrets longer: wraps them by the key of another class and day, and puts that on record. What a crash left in the store and not on record, `tell` records. */
export class SecretWraps {
  readonly #parts: SecretWrapsParts;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: SecretWrapsParts) {
    this.#parts = parts;
  }

  /** Resolves once all secrets are wrapped and that is on record; only then it counts. Rejects with GatewayError `cannot_record`. */
  async keep(secrets: readonly SecretName[], under: ClassDay): Promise<void> {
    for (let at = 0; at < secrets.length; at += sliceMax) {
      this.#parts.keys.wrap(secrets.slice(at, at + sliceMax), under);
      await this.tell();
    }
  }

  /** Records the wraps that are not on record yet. */
  async tell(): Promise<void> {
    const before = this.#turn;
    this.#turn = (async () => {
      await before.catch(() => undefined);
      await this.#tell();
    })();
    await this.#turn;
  }

  async #tell(): Promise<void> {
    const { recorder, keys } = this.#parts;
    for (let untold = keys.untoldWraps(sliceMax); untold !== null; untold = keys.untoldWraps(sliceMax)) {
      const { under, wraps } = untold;
      recorder.recordNewKeys();
      const named = wraps.map(({ key, slot, wrappedHash }) => [key, slotNumbers[slot], wrappedHash]);
      recorder.append(recorder.own, { kind: 'wrap', meta: JSON.stringify({ ...under, wraps: named }), content: [] });
      await new Promise<void>((resolve) => {
        recorder.whenCommitted('disk', resolve);
      });
      keys.noteWraps(wraps, under, recorder.size);
    }
  }
}
