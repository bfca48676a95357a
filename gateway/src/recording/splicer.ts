import { RepeatFinder } from './repeat-finder.ts';

/** Most bytes of memory for all sessions. The session that was used least recently is forgotten first. */
const memoryBytesMax = 128 * 1024 * 1024;

/** Keeps the bodies that open sessions may repeat. To forget some costs space in the journal, never a record: bytes that are not known are stored. */
export class Splicer {
  /** The finders by session. The session that was used last is last. */
  readonly #finders = new Map<string, RepeatFinder>();
  readonly #memoryBytesMax: number;
  #memoryBytes = 0;

  constructor(bytesMax = memoryBytesMax) {
    this.#memoryBytesMax = bytesMax;
  }

  /** Bytes of memory that it holds, about. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Returns the body in its spliced form. */
  splice(session: string, plain: Buffer): Buffer {
    const finder = this.#finders.get(session) ?? new RepeatFinder();
    this.forget(session);
    const spliced = finder.splice(plain);
    this.#finders.set(session, finder);
    this.#memoryBytes += finder.memoryBytes;
    for (const [oldest] of this.#finders) {
      if (this.#memoryBytes <= this.#memoryBytesMax) {
        break;
      }
      this.forget(oldest);
    }
    return spliced;
  }

  forget(session: string): void {
    this.#memoryBytes -= this.#finders.get(session)?.memoryBytes ?? 0;
    this.#finders.delete(session);
  }
}
