import { memberOf, numberAt, objectsAt, textAt } from './json.ts';
import { readError, readUsage } from './openai-chat.ts';
import { textsOf } from './openai-embeddings.ts';
import { expectBoolean, expectNumber, expectText, presentAttributes } from './parameters.ts';
import type { Shape } from './shape.ts';

/** Reads the older API that completes a text, of OpenAI, vLLM, OpenRouter and others. https://platform.openai.com/docs/api-reference/completions */
export const openaiCompletions: Shape = {
  parameters: (body) =>
    presentAttributes({
      'gen_ai.request.model': expectText(body, 'model'),
      'gen_ai.request.stream': expectBoolean(body, 'stream') ?? false,
      'gen_ai.request.max_tokens': expectNumber(body, 'max_tokens'),
      'gen_ai.request.temperature': expectNumber(body, 'temperature'),
      'gen_ai.request.top_p': expectNumber(body, 'top_p'),
      'gen_ai.request.seed': expectNumber(body, 'seed'),
      'gen_ai.request.choice.count': expectNumber(body, 'n'),
    }),
  messages(body) {
    const suffix = memberOf(body, 'suffix') ?? undefined;
    return [...textsOf(memberOf(body, 'prompt')), ...textsOf(suffix)];
  },
  read(value, draft) {
    draft.identify({ id: textAt(value, 'id'), model: textAt(value, 'model') });
    readError(value, draft);
    readUsage(memberOf(value, 'usage'), draft);
    for (const choice of objectsAt(value, 'choices')) {
      const index = numberAt(choice, 'index') ?? 0;
      draft.append(index, 'text', 'text', textAt(choice, 'text'));
      draft.finish(index, textAt(choice, 'finish_reason'));
    }
  },
};
