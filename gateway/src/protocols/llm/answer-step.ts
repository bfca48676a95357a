import type { Step } from '../../domain/step.ts';
import { readAnswer, type RequestHead, type ResponseHead } from '../../exchange/reading.ts';
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
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
    checkJson(bytes.toString());
    const answer = new ModelAnswer(findApi(request)?.shape ?? null, { eventBytes: body.length });
    readAnswer(answer, answered, [bytes]);
    return { facts: answer.facts(), unread: answer.unread, valuesRead: answer.valuesRead, said: answer.said };
  },
};
