import type { RequestHead } from '../../wire/http/reading.ts';
import type { ExchangeRules } from '../../wire/http/rules.ts';
import { targetCall } from '../../wire/http/target-options.ts';
import { readModelRequest } from './apis.ts';
import { describeFailure, type Dialect } from './failures.ts';
import { providerAuth, providerOf } from './options.ts';
import { findApi } from './routes.ts';

/** Models: the body of a known API is read whole before it is decided; what else there is of the provider's API goes as it comes, as `unknown`. */
export const rules: ExchangeRules = {
  isReadWhole: (head) => findApi(head)?.takesBody === true,
  // A conversation is sent whole with each turn.
  read: (head, body) => ({ ...readModelRequest(head, body ?? new Uint8Array()), repeats: true }),
  call: (target) => targetCall(target, providerAuth[providerOf(target.options)]),
  failure: ({ problem, head }) => describeFailure(dialectOf(head), problem),
};

/** The path tells whose client it is, also before anything else is known. */
function dialectOf(head: RequestHead): Dialect {
  const provider = findApi(head)?.provider ?? '';
  return provider.startsWith('anthropic') ? 'anthropic' : provider.startsWith('gcp') ? 'gemini' : provider.startsWith('aws') ? 'bedrock' : 'openai';
}
