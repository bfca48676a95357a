import type { Step } from '../../domain/step.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import { readFacts, type ModelFacts } from './model-request.ts';
import { idsOfProvider } from './given-ids.ts';
import type { Provider } from './options.ts';

interface Asked {
  readonly head: RequestHead;
  readonly body: Uint8Array;
  /** The provider whose ids are looked for. Null: ids are not bound to an owner, and not looked for. */
  readonly ids: Provider | null;
}

interface Said {
  readonly facts: ModelFacts;
  /** The ids that the request names. Null if they were not looked for. */
  readonly named: readonly string[] | null;
  readonly keepsNothing: boolean;
}

/** Does all the work that needs the whole body of a request. */
export const step: Step<Asked, Said> = {
  module: import.meta.url,
  take: ({ head, body, ids: provider }) => {
    const { facts, json } = readFacts(head, body);
    const ids = provider === null ? null : idsOfProvider(provider);
    return { facts, named: ids?.named(head, body, json) ?? null, keepsNothing: ids?.keepsNothing(head, body) === true };
  },
};
