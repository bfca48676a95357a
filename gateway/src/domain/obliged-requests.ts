import type { Obligation } from './decision.ts';

/** Most requests of a channel whose obligations are known one by one. */
const recentMax = 1024;

const none: readonly Obligation[] = [];

/** The obligations of a channel's requests, for the records of their answers. Those of older requests are known together: no answer is without what its request has. */
export class ObligedRequests {
  readonly #recent = new Map<number, readonly Obligation[]>();
  #older = none;
  #olderUpTo = -1;
  #newest = none;

  get isEmpty(): boolean {
    return this.#recent.size === 0;
  }

  /** Adds a request with obligations. Sequence numbers come in order. Obligations of a message that belongs to the request are added to those of the request. */
  add(request: number, obligations: readonly Obligation[]): void {
    const known = this.#recent.get(request);
    this.#recent.set(request, known === undefined ? obligations : joined(known, obligations));
    this.#newest = obligations;
    const [oldest] = this.#recent.size > recentMax ? this.#recent : [];
    if (oldest !== undefined) {
      const [seq, its] = oldest;
      this.#older = [...this.#older, ...its.filter((each) => !this.#older.includes(each))];
      this.#olderUpTo = seq;
      this.#recent.delete(seq);
    }
  }

  /** Returns the obligations for an answer to a request. For an answer that names no request they are those of the newest. */
  of(request: number | undefined): readonly Obligation[] {
    if (request === undefined) {
      return this.#newest;
    }
    return this.#recent.get(request) ?? (request <= this.#olderUpTo ? this.#older : none);
  }
}

function joined(known: readonly Obligation[], more: readonly Obligation[]): readonly Obligation[] {
  const texts = new Set(more.map((each) => JSON.stringify(each)));
  return [...known.filter((each) => !texts.has(JSON.stringify(each))), ...more];
}
