import type { Step } from '../../domain/step.ts';
import type { RequestHead, ResponseHead } from '../../exchange/reading.ts';
import { checkJson } from '../../content/strict-json.ts';
import { type LongAnswer, ModelAnswer } from './answer.ts';
import { findApi } from './apis.ts';

interface Answered {
  readonly request: RequestHead;
  readonly answered: ResponseHead;
  readonly body: Uint8Array;
}

/** Reads the facts of an answer that is one long document. */
export const step: Step<Answered, LongAnswer> = {
  module: import.meta.url,
  take: ({ request, answered, body }) => {
    checkJson(Buffer.from(body.buffer, body.byteOffset, body.length).toString());
    const answer = new ModelAnswer(findApi(request)?.shape ?? null, { eventBytes: body.length });
    answer.head(answered);
    answer.bytes(body);
    return { facts: answer.facts(), unread: answer.unread, valuesRead: answer.valuesRead };
  },
};
