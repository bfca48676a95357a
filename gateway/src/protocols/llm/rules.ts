import type { ExchangeRules } from '../../wire/http/rules.ts';
import { targetCall } from '../../wire/http/target-options.ts';
import { readModelRequest } from './apis.ts';
import { describeFailure } from './failures.ts';
import { providerAuth, providerOf } from './options.ts';
import { findApi } from './routes.ts';

/** Models: the body of a known API is read whole before it is decided; what else there is of the provider's API goes as it comes, as `unknown`. */
export const rules: ExchangeRules = {
  isReadWhole: (head) => findApi(head)?.takesBody === true,
  // A conversation is sent whole with each turn.
  read: (head, body) => ({ ...readModelRequest(head, body ?? new Uint8Array()), repeats: true }),
  call: (target) => targetCall(target, providerAuth[providerOf(target.options)]),
  failure: describeFailure,
};
