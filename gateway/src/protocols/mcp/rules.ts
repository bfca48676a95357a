import type { ExchangeRules } from '../../wire/http/rules.ts';
import { targetCall } from '../../wire/http/target-options.ts';
import { failureAnswer } from './failures.ts';
import { readRequest } from './reading.ts';

/** MCP over Streamable HTTP: every message is read before it is decided. */
export const rules: ExchangeRules = {
  isReadWhole: () => true,
  read: (head, body) => readRequest(head, body ?? new Uint8Array()),
  call: (target) => targetCall(target),
  failure: failureAnswer,
};
