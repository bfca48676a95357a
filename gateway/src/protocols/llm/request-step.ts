import type { RequestHead } from '../../exchange/reading.ts';
import type { Step } from '../../exchange/step.ts';
import { readFacts, type ModelFacts } from './apis.ts';
import { idsOfProvider } from './given-ids.ts';
import type { Provider } from './options.ts';

interface Asked {
  readonly head: RequestHead;
  readonly body: Uint8Array;
  /** Whose ids are looked for in it; null: they are anybody's. */
  readonly ids: Provider | null;
}

interface Said {
  readonly facts: ModelFacts;
  /** Null where nobody looked. */
  readonly named: readonly string[] | null;
  readonly keepsNothing: boolean;
}

/** All that looks at the whole body of a request. */
export const step: Step<Asked, Said> = {
  module: import.meta.url,
  take: ({ head, body, ids: provider }) => {
    const { facts, json } = readFacts(head, body);
    const ids = provider === null ? null : idsOfProvider(provider);
    return { facts, named: ids?.named(head, body, json) ?? null, keepsNothing: ids?.keepsNothing(head, body) === true };
  },
};
