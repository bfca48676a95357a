import type { IndexedRequest } from './indexing.ts';

/** The requests with one key in one channel, in order. Those before `next` were taken. */
interface Queue {
  readonly requests: IndexedRequest[];
  next: number;
}

/** Why no request was found: none was recorded, none is left, or none belongs to what these ids are matched to. */
export type NoneWaiting = 'unknown' | 'used up' | 'other ids';

export interface Wanted {
  readonly key: string;
  /** The ids that the request contains; see `RequestKey`. */
  readonly ids: readonly string[];
  /** The recorded channel to take a request from, as long as it has one. Null: any channel. */
  readonly channel: number | null;
}

/** The requests that nobody has taken yet, by their keys. */
export class Waiting {
  readonly #byKey = new Map<string, Map<number, Queue>>();
  readonly #ids: RunIds;

  constructor(requests: readonly IndexedRequest[]) {
    this.#ids = new RunIds(requests);
    for (const request of requests) {
      const channels = this.#byKey.get(request.key) ?? new Map<number, Queue>();
      const queue = channels.get(request.channel) ?? { requests: [], next: 0 };
      queue.requests.push(request);
      channels.set(request.channel, queue);
      this.#byKey.set(request.key, channels);
    }
  }

  /** True if this channel has a request with this key that was not taken. */
  has(key: string, channel: number): boolean {
    return this.#byKey.get(key)?.has(channel) === true;
  }

  /** Takes a request of `channel` if it has one, otherwise the one that was recorded first. */
  take({ key, ids, channel }: Wanted): IndexedRequest | NoneWaiting {
    const channels = this.#byKey.get(key);
    if (channels === undefined) {
      return 'unknown';
    }
    const own = channel === null ? undefined : channels.get(channel);
    const queues = own === undefined ? [...channels.values()].toSorted((a, b) => seqOf(a) - seqOf(b)) : [own];
    for (const queue of queues) {
      const at = queue.requests.findIndex((request, i) => i >= queue.next && this.#ids.fit(ids, request.ids));
      const request = queue.requests[at];
      if (request !== undefined) {
        this.#ids.bind(ids, request.ids);
        // Usually it is the next request, and nothing moves.
        queue.requests.copyWithin(queue.next + 1, queue.next, at);
        queue.next += 1;
        if (queue.next === queue.requests.length) {
          channels.delete(request.channel);
        }
        return request;
      }
    }
    return queues.length === 0 ? 'used up' : 'other ids';
  }
}

/**
 * Maps each id of this run to the id of the recorded run that it stands for, one to one. An id that is in the recording stands for itself: the target gave it.
 */
class RunIds {
  readonly #known: ReadonlySet<string>;
  readonly #recordedOf = new Map<string, string>();
  readonly #bound = new Set<string>();

  constructor(requests: readonly IndexedRequest[]) {
    this.#known = new Set(requests.flatMap(({ ids }) => ids));
  }

  fit(asked: readonly string[], recorded: readonly string[]): boolean {
    return asked.every((id, i) => {
      const other = recorded[i] ?? '';
      const stands = this.#recordedOf.get(id) ?? (this.#known.has(id) ? id : undefined);
      return stands === undefined ? !this.#bound.has(other) : stands === other;
    });
  }

  bind(asked: readonly string[], recorded: readonly string[]): void {
    for (const [i, id] of asked.entries()) {
      const other = recorded[i] ?? '';
      this.#recordedOf.set(id, other);
      this.#bound.add(other);
    }
  }
}

function seqOf({ requests, next }: Queue): number {
  return requests[next]?.seq ?? Infinity;
}
