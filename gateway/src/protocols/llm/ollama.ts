import type { Attributes } from '../../domain/action.ts';
import type { AnswerDraft } from './answer-draft.ts';
import { type JsonObject, jsonText, memberOf, numberAt, objectAt, objectsAt, textAt } from './json.ts';
import { readError, toolsIn } from './openai-chat.ts';
import { textsOf } from './openai-embeddings.ts';
import { expectBoolean, expectNumber, expectObject, expectObjects, expectText, presentAttributes, toolDefinitions } from './parameters.ts';
import type { Shape } from './shape.ts';
import { arrange, media, type Message, type Part, partsOf, toolCall } from './transcript.ts';

/** Reads Ollama's own API. It answers with a stream, one JSON object per line, unless the request says otherwise. https://docs.ollama.com/api */
export const ollamaChat: Shape = {
  parameters: (body) => ({
    ...generationParameters(body),
    ...toolDefinitions(expectObjects(body, 'tools').flatMap((tool) => toolsIn(tool))),
  }),
  messages(body) {
    expectObjects(body, 'messages');
    return arrange(objectsAt(body, 'messages').map((message) => readMessage(message)));
  },
  read(value, draft) {
    const message = objectAt(value, 'message');
    readEnd(value, draft);
    readTexts({ said: textAt(message, 'content'), thought: textAt(message, 'thinking') }, draft);
    for (const call of objectsAt(message, 'tool_calls')) {
      // Each call comes whole. Older servers give it no id.
      const called = objectAt(call, 'function');
      const input = memberOf(called, 'arguments');
      draft.call(0, draft.keyFor(0), { id: textAt(call, 'id'), name: textAt(called, 'name'), arguments: input === undefined ? '' : jsonText(input) });
    }
  },
};

/** Reads a request with one prompt, which is put into the model's template or into the template of the request. `context` holds an earlier exchange as tokens. */
export const ollamaGenerate: Shape = {
  parameters: generationParameters,
  messages(body) {
    const asked = ['system', 'template', 'prompt', 'suffix'].map((name): Message => {
      const role = name === 'system' || name === 'template' ? 'system' : 'user';
      return { role, parts: partsOf(memberOf(body, name), () => ({ type: 'other', name })) };
    });
    const context: Part[] = Object.hasOwn(body, 'context') ? [{ type: 'other', name: 'context' }] : [];
    return arrange([...asked, { role: 'user', parts: [...imagesOf(body), ...context] }]);
  },
  read(value, draft) {
    readEnd(value, draft);
    readTexts({ said: textAt(value, 'response'), thought: textAt(value, 'thinking') }, draft);
  },
};

/** Reads `/api/embed` and the older `/api/embeddings`. */
export const ollamaEmbed: Shape = {
  parameters: (body) => presentAttributes({ 'gen_ai.request.model': expectText(body, 'model') }),
  messages: (body) => [...textsOf(memberOf(body, 'input')), ...textsOf(memberOf(body, 'prompt'))],
  read: readEnd,
};

/** Reads a request for facts about one model. */
export const ollamaModel: Shape = {
  parameters: (body) => presentAttributes({ 'gen_ai.request.model': expectText(body, 'model') ?? expectText(body, 'name') }),
  messages: () => [],
  read: readError,
};

function generationParameters(body: JsonObject): Attributes {
  const options = expectObject(body, 'options');
  return presentAttributes({
    'gen_ai.request.model': expectText(body, 'model'),
    'gen_ai.request.stream': expectBoolean(body, 'stream') ?? true,
    'gen_ai.request.max_tokens': expectNumber(options, 'num_predict'),
    'gen_ai.request.temperature': expectNumber(options, 'temperature'),
    'gen_ai.request.top_p': expectNumber(options, 'top_p'),
    'gen_ai.request.top_k': expectNumber(options, 'top_k'),
    'gen_ai.request.seed': expectNumber(options, 'seed'),
  });
}

function readMessage(message: JsonObject): Message {
  const role = textAt(message, 'role') ?? '';
  const content = partsOf(memberOf(message, 'content'), () => ({ type: 'other', name: 'content' }));
  if (role === 'tool') {
    const id = textAt(message, 'tool_call_id') ?? textAt(message, 'tool_name') ?? null;
    return { role, parts: [{ type: 'tool_call_response', id, response: memberOf(message, 'content') ?? null }] };
  }
  const thought = textAt(message, 'thinking') ?? '';
  const calls = objectsAt(message, 'tool_calls').map((call) => {
    const called = objectAt(call, 'function');
    return toolCall({ id: textAt(call, 'id'), name: textAt(called, 'name') ?? '', arguments: memberOf(called, 'arguments') });
  });
  const said = content.filter((part) => part.type !== 'text' || part.content !== '');
  return { role, parts: [...(thought === '' ? [] : [{ type: 'reasoning' as const, content: thought }]), ...said, ...imagesOf(message), ...calls] };
}

/** The images of a message or request. They are in base64, and their type is not stated. */
function imagesOf(object: JsonObject): Part[] {
  const images = memberOf(object, 'images');
  return Array.isArray(images) ? images.map((image) => (typeof image === 'string' ? media('image', { base64: image }) : { type: 'other', name: 'image' })) : [];
}

function readTexts({ said, thought }: { readonly said: string | undefined; readonly thought: string | undefined }, draft: AnswerDraft): void {
  draft.append(0, draft.keyFor(0, 'reasoning'), 'reasoning', thought);
  draft.append(0, draft.keyFor(0, 'text'), 'text', said);
}

/** Reads the members that all answers have. The counts and the reason come with the last piece. */
function readEnd(value: JsonObject, draft: AnswerDraft): void {
  draft.identify({ model: textAt(value, 'model') });
  draft.finish(0, textAt(value, 'done_reason'));
  draft.count({ input: numberAt(value, 'prompt_eval_count'), output: numberAt(value, 'eval_count') });
  readError(value, draft);
}
