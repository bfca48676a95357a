import type { Obligation } from './decision.ts';

/** Most requests of a channel in one generation. The obligations of the newest two generations are known one by one. */
const generationMax = 1024;

const none: readonly Obligation[] = [];

/** The obligations of a channel's requests, for the records of their answers. Those of older requests are known together: no answer is without what its request has. */
export class ObligedRequests {
  #recent = new Map<number, readonly Obligation[]>();
  /** The generation before. */
  #before: ReadonlyMap<number, readonly Obligation[]> = new Map();
  #older = none;
  #olderUpTo = -1;
  #newest = none;
  #newestRequest = -1;

  get isEmpty(): boolean {
    return this.#recent.size === 0;
  }

  /** Adds a request with obligations. Sequence numbers come in order. Obligations of a message that belongs to the request are added to those of the request. */
  add(request: number, obligations: readonly Obligation[]): void {
    const known = request > this.#newestRequest ? none : this.of(request);
    if (this.#recent.size === generationMax) {
      this.#age();
    }
    this.#recent.set(request, known.length === 0 || known === obligations ? obligations : joined(known, obligations));
    this.#newest = obligations;
    this.#newestRequest = Math.max(this.#newestRequest, request);
  }

  /** Returns the obligations for an answer to a request. For an answer that names no request they are those of the newest. */
  of(request: number | undefined): readonly Obligation[] {
    if (request === undefined) {
      return this.#newest;
    }
    return this.#recent.get(request) ?? this.#before.get(request) ?? (request <= this.#olderUpTo ? this.#older : none);
  }

  /** Begins a generation. The requests of the one before the last are from now on known together. */
  #age(): void {
    for (const [request, obligations] of this.#before) {
      const more = obligations.filter((each) => !this.#older.includes(each));
      this.#older = more.length === 0 ? this.#older : [...this.#older, ...more];
      this.#olderUpTo = Math.max(this.#olderUpTo, request);
    }
    this.#before = this.#recent;
    this.#recent = new Map();
  }
}

function joined(known: readonly Obligation[], more: readonly Obligation[]): readonly Obligation[] {
  const texts = new Set(more.map((each) => JSON.stringify(each)));
  return [...known.filter((each) => !texts.has(JSON.stringify(each))), ...more];
}
