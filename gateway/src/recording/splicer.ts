import { RepeatFinder } from './repeat-finder.ts';

/** For all sessions; the one that repeated nothing for longest is forgotten first. */
const memoryBytesMax = 128 * 1024 * 1024;

/** What the open sessions may repeat. To forget any of it costs space in the journal, never a record: what is not known is stored. */
export class Splicer {
  /** By session; what was used last is last. */
  readonly #finders = new Map<string, RepeatFinder>();
  readonly #memoryBytesMax: number;
  #memoryBytes = 0;

  constructor(bytesMax = memoryBytesMax) {
    this.#memoryBytesMax = bytesMax;
  }

  /** About what it holds. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** The body in its spliced form. */
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
