import type { Obligation } from './decision.ts';
import { readLimit } from './usage.ts';

/** Most requests of a channel in one generation. The obligations of the newest two generations are known one by one. */
const generationMax = 1024;

/** Most times that limits are added for earlier requests and known one by one. */
const laterMax = 64;

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
  /** Limits that came into force after requests were made, and the last of these requests. */
  #later: { readonly upTo: number; readonly limits: readonly Obligation[] }[] = [];

  get isEmpty(): boolean {
    return this.#recent.size === 0;
  }

  /** Adds a request with obligations. Sequence numbers come in order. Obligations of a message that belongs to the request are added to those of the request. */
  add(request: number, obligations: readonly Obligation[]): void {
    const known = request > this.#newestRequest ? none : this.#ownOf(request);
    if (this.#recent.size === generationMax) {
      this.#age();
    }
    this.#recent.set(request, known.length === 0 || known === obligations ? obligations : joined(known, obligations));
    this.#newest = obligations;
    this.#newestRequest = Math.max(this.#newestRequest, request);
  }

  /** Adds limits to all requests up to a number: those that have come since are not among them. */
  addLater(upTo: number, limits: readonly Obligation[]): void {
    this.#later = [...this.#later, { upTo, limits }].slice(-laterMax);
  }

  /** Returns the obligations for an answer to a request. For an answer that names no request they are those of the newest. */
  of(request: number | undefined): readonly Obligation[] {
    const own = this.#ownOf(request);
    return this.#later.length === 0 ? own : this.#withLater(own, request ?? this.#newestRequest);
  }

  #withLater(own: readonly Obligation[], request: number): readonly Obligation[] {
    const names = new Set(own.map((each) => readLimit(each)?.name));
    const all = [...own];
    for (const limit of this.#later.flatMap(({ upTo, limits }) => (request <= upTo ? limits : none))) {
      const name = readLimit(limit)?.name;
      if (!names.has(name)) {
        names.add(name);
        all.push(limit);
      }
    }
    return all;
  }

  #ownOf(request: number | undefined): readonly Obligation[] {
    if (request === undefined) {
      return this.#newest;
    }
    return this.#recent.get(request) ?? this.#before.get(request) ?? (request <= this.#olderUpTo ? this.#older : none);
  }

  /** Begins a generation. The requests of the one before the last are from now on known together. */
  #age(): void {
    let known = none;
    this.#before.forEach((obligations, request) => {
      this.#olderUpTo = Math.max(this.#olderUpTo, request);
      // Most requests have the same obligations as the one before.
      if (obligations !== known) {
        known = obligations;
        this.#older = [...this.#older, ...obligations.filter((each) => !this.#older.includes(each))];
      }
    });
    this.#before = this.#recent;
    this.#recent = new Map();
  }
}

function joined(known: readonly Obligation[], more: readonly Obligation[]): readonly Obligation[] {
  const texts = new Set(more.map((each) => JSON.stringify(each)));
  return [...known.filter((each) => !texts.has(JSON.stringify(each))), ...more];
}
