import type { TextChange } from '../../domain/text-change.ts';

/** Most channels and patterns to which one client listens. */
const subscriptionsMax = 10_000;

/** The request because of which a message comes, with the changes that its texts go through. */
export interface Origin {
  readonly seq: number;
  readonly changes: readonly TextChange[];
}

/** The commands about channels, each with the word of the messages that come because of it. */
const words: Readonly<Record<string, string>> = { subscribe: 'message', psubscribe: 'pmessage', ssubscribe: 'smessage' };
const messageWords = new Set(Object.values(words));

/** True for the word with which a message about channels begins: the confirmation of a command, or what was published. */
export function isAboutChannels(word: string): boolean {
  return messageWords.has(word) || isSubscription(word);
}

/** True for a command that begins or ends to listen to channels. */
export function isSubscription(name: string): boolean {
  return /^[ps]?(?:un)?subscribe$/.test(name);
}

/** The channels to which a client listens, each with the request that began it. */
export class Subscriptions {
  readonly #origins = new Map<string, Origin>();

  get isEmpty(): boolean {
    return this.#origins.size === 0;
  }

  /** True if no more can begin. */
  isFullFor(names: number): boolean {
    return this.#origins.size + names > subscriptionsMax;
  }

  /** Returns how many confirmations a command gets. */
  confirmations(name: string, channels: number): number {
    const kind = words[name.replace('un', '')] ?? '';
    const own = [...this.#origins.keys()].filter((key) => key.startsWith(`${kind} `)).length;
    return Math.max(1, channels > 0 || !name.includes('un') ? channels : own);
  }

  /** Notes a confirmation. */
  confirmed(word: string, channel: string, origin: Origin): void {
    const key = `${words[word.replace('un', '')] ?? ''} ${channel}`;
    if (word.includes('un')) {
      this.#origins.delete(key);
    } else {
      this.#origins.set(key, origin);
    }
  }

  /** Returns the request because of which a message comes. Null: there is none. */
  of(word: string, channel: string): Origin | null {
    return this.#origins.get(`${word} ${channel}`) ?? null;
  }
}
