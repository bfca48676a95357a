import type { Obligation } from '../domain/decision.ts';
import type { RequestKey } from '../domain/replay.ts';

/** Matches a class in the text of an annotation, where its method makes a token. */
const withToken = /\b([a-z][a-z0-9-]{0,62}):(?:hash|pseudonym)\b/g;

/**
 * The tokens that stand in requests for values of data classes. They are made with a secret of the gateway that recorded, so that those of another run differ. In keys
 * of requests they are named by the order in which they come, as ids of a run are.
 */
export class MaskedTokens {
  readonly #classes = new Set<string>();
  #token: RegExp | null = null;

  /** Adds the classes for whose values tokens stand. */
  add(obligations: readonly Obligation[]): void {
    for (const { kind, parameters } of obligations) {
      const named = kind === 'mask_request' ? (parameters['classes'] ?? '').matchAll(withToken) : [];
      for (const [, name = ''] of named) {
        if (!this.#classes.has(name)) {
          this.#classes.add(name);
          this.#token = new RegExp(`(?<![a-z0-9-])(?:${[...this.#classes].join('|')})_[0-9a-f]{16}(?![0-9a-f])`, 'gi');
        }
      }
    }
  }

  /** Returns a key in which tokens are named. */
  name(key: RequestKey): RequestKey {
    if (this.#token === null) {
      return key;
    }
    const ids = new Set(key.ids);
    const text = key.text.replaceAll(this.#token, (token) => {
      ids.add(token);
      return `#${[...ids].indexOf(token) + 1}`;
    });
    return { text, ids: [...ids] };
  }
}
