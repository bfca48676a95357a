import { problemMediaType } from '../../exchange/problem.ts';
import { noAnswerReading } from '../../exchange/reading.ts';
import type { ExchangeRules } from '../../exchange/rules.ts';
import { targetCall } from '../../exchange/target/target-call.ts';
import { requestAttributes, upgradeAttributes } from './actions.ts';

/** Handles plain HTTP. The head is enough for a decision, and errors are problem+json (RFC 9457). */
export const rules: ExchangeRules = {
  isReadWhole: () => false,
  read: (head, _body, target) => ({ action: { name: 'http.request', attributes: requestAttributes(head, target) }, answer: noAnswerReading }),
  upgrade: (head, target) => ({ action: { name: 'http.upgrade', attributes: upgradeAttributes(head, target) }, reader: null }),
  call: (target) => targetCall(target),
  failure: ({ problem }) => ({
    status: problem.status,
    headers: [['content-type', problemMediaType]],
    body: JSON.stringify(problem),
  }),
};
