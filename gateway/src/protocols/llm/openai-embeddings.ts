import { memberOf, numberAt, objectAt, textAt } from './json.ts';
import { readError } from './openai-chat.ts';
import { expectText, presentAttributes } from './parameters.ts';
import type { Shape } from './shape.ts';
import { type Message, text } from './transcript.ts';

/** Reads the API for embeddings: https://platform.openai.com/docs/api-reference/embeddings */
export const openaiEmbeddings: Shape = {
  parameters: (body) => {
    const format = expectText(body, 'encoding_format');
    return presentAttributes({
      'gen_ai.request.model': expectText(body, 'model'),
      'gen_ai.request.encoding_formats': format === undefined ? undefined : [format],
    });
  },
  messages: (body) => textsOf(memberOf(body, 'input')),
  read(value, draft) {
    draft.identify({ model: textAt(value, 'model') });
    draft.count({ input: numberAt(objectAt(value, 'usage'), 'prompt_tokens') });
    readError(value, draft);
  },
};

/** Reads requests about models, of OpenAI, Anthropic and Gemini. They say nothing to a model. https://platform.openai.com/docs/api-reference/models */
export const models: Shape = {
  parameters: () => ({}),
  messages: () => [],
  read: readError,
};

/** The input as messages. It is one text, several texts, or tokens, which are only named. */
export function textsOf(input: unknown): Message[] {
  const given: readonly unknown[] = Array.isArray(input) ? input : input === undefined || input === null ? [] : [input];
  const texts = given.filter((each) => typeof each === 'string').map((each): Message => ({ role: 'user', parts: [text(each)] }));
  return texts.length === given.length ? texts : [...texts, { role: 'user', parts: [{ type: 'other', name: 'tokens' }] }];
}
