import { RepeatFinder } from './repeat-finder.ts';
import { placedSecretsMax, useLast } from './spliced-body.ts';

/** Most bytes of memory for all sessions. The session that was used least recently is forgotten first. */
const memoryBytesMax = 128 * 1024 * 1024;

/** Keeps the bodies that open sessions may repeat. To forget some costs space in the journal, never a record: bytes that are not known are stored. */
export class Splicer {
  /** The finders by session and by the number of the secret, because a body copies only from those under its secret. What was used last is last. */
  readonly #finders = new Map<string, Map<number, RepeatFinder>>();
  readonly #memoryBytesMax: number;
  #memoryBytes = 0;

  constructor(bytesMax = memoryBytesMax) {
    this.#memoryBytesMax = bytesMax;
  }

  /** Bytes of memory that it holds, about. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Returns the body, which is sealed with the secret `keyId`, in its spliced form. */
  splice(session: string, keyId: number, plain: Buffer): Buffer {
    const finders = this.#finders.get(session) ?? new Map<number, RepeatFinder>();
    this.forget(session);
    const spliced = useLast(finders, keyId, placedSecretsMax, () => new RepeatFinder()).splice(plain);
    this.#finders.set(session, finders);
    this.#memoryBytes += memoryOf(finders);
    for (const [oldest] of this.#finders) {
      if (this.#memoryBytes <= this.#memoryBytesMax) {
        break;
      }
      this.forget(oldest);
    }
    return spliced;
  }

  forget(session: string): void {
    this.#memoryBytes -= memoryOf(this.#finders.get(session));
    this.#finders.delete(session);
  }
}

function memoryOf(finders: ReadonlyMap<number, RepeatFinder> = new Map()): number {
  let bytes = 0;
  for (const finder of finders.values()) {
    bytes += finder.memoryBytes;
  }
  return bytes;
}
