import type { IndexedRequest } from './indexing.ts';

/** Requests of one key in one channel, in order; those before `next` were taken. */
interface Queue {
  readonly requests: IndexedRequest[];
  next: number;
}

/** Why there is none: nobody asked this, or not as often. */
export type NoneWaiting = 'unknown' | 'used up';

/** The requests that nobody has taken yet, by their keys. */
export class Waiting {
  readonly #byKey = new Map<string, Map<number, Queue>>();

  constructor(requests: Iterable<IndexedRequest>) {
    for (const request of requests) {
      const channels = this.#byKey.get(request.key) ?? new Map<number, Queue>();
      const queue = channels.get(request.channel) ?? { requests: [], next: 0 };
      queue.requests.push(request);
      channels.set(request.channel, queue);
      this.#byKey.set(request.key, channels);
    }
  }

  /** Of `channel` while it has one, then the one that was recorded first. */
  take(key: string, channel: number | null): IndexedRequest | NoneWaiting {
    const channels = this.#byKey.get(key);
    if (channels === undefined) {
      return 'unknown';
    }
    const queue = (channel === null ? undefined : channels.get(channel)) ?? earliest(channels.values());
    const request = queue?.requests[queue.next];
    if (queue === undefined || request === undefined) {
      return 'used up';
    }
    queue.next += 1;
    if (queue.next === queue.requests.length) {
      channels.delete(request.channel);
    }
    return request;
  }
}

function earliest(queues: Iterable<Queue>): Queue | undefined {
  let found: Queue | undefined;
  for (const queue of queues) {
    if (found === undefined || seqOf(queue) < seqOf(found)) {
      found = queue;
    }
  }
  return found;
}

function seqOf({ requests, next }: Queue): number {
  return requests[next]?.seq ?? Infinity;
}
