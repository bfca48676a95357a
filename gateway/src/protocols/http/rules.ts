import { problemMediaType } from '../../exchange/problem.ts';
import { noAnswerReading } from '../../exchange/reading.ts';
import type { ExchangeRules } from '../../exchange/rules.ts';
import { targetCall } from '../../exchange/target/target-call.ts';
import type { Attributes } from '../../domain/action.ts';
import type { RequestReading } from '../../exchange/reading.ts';
import { requestAttributes, upgradeAttributes } from './actions.ts';
import { namedPlaces, namesPlaces, step } from './body-facts.ts';

/** Handles plain HTTP. The head is enough for a decision, unless the target names values of bodies. Errors are problem+json (RFC 9457). */
export const rules: ExchangeRules = {
  isReadWhole: (_head, target) => namesPlaces(target),
  read: (head, body, target, take) => {
    const facts = requestAttributes(head, target);
    if (body === null || !namesPlaces(target)) {
      return readingOf(facts);
    }
    const said = take(step, { headers: head.headers, body, places: namedPlaces(target) });
    return said instanceof Promise ? said.then((more) => readingOf({ ...facts, ...more })) : readingOf({ ...facts, ...said });
  },
  upgrade: (head, target) => ({ action: { name: 'http.upgrade', attributes: upgradeAttributes(head, target) }, reader: null }),
  call: (target) => targetCall(target),
  failure: ({ problem }) => ({
    status: problem.status,
    headers: [['content-type', problemMediaType]],
    body: JSON.stringify(problem),
  }),
};

function readingOf(attributes: Attributes): RequestReading {
  return { action: { name: 'http.request', attributes }, answer: noAnswerReading, takesNull: true };
}
