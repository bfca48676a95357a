import type { AnswerDraft } from './answer-draft.ts';
import { isObject, type JsonObject, memberOf, numberAt, objectAt, objectsAt, textAt } from './json.ts';
import { contentParts, errorName, toolOutput } from './openai-media.ts';
import {
  clientTools,
  expectBoolean,
  expectNumber,
  expectObject,
  expectObjects,
  expectText,
  expectTexts,
  type OfferedTool,
  otherModels,
  presentAttributes,
  providerContext,
  providerTools,
  toolDefinitions,
} from './parameters.ts';
import type { Shape } from './shape.ts';
import { arrange, type Message, type Part, text, toolCall } from './transcript.ts';

/**
 * Reads Chat Completions of OpenAI and of compatible servers: vLLM, Ollama, Azure OpenAI, OpenRouter and others.
 * https://platform.openai.com/docs/api-reference/chat
 */
export const openaiChat: Shape = {
  parameters(body) {
    expectObjects(body, 'messages');
    const tools = expectObjects(body, 'tools').flatMap((tool) => toolsIn(tool));
    const functions = expectObjects(body, 'functions').map((each) => expectText(each, 'name') ?? '');
    // With OpenAI and xAI the provider searches the web if one of these members is there, with Azure it searches in other systems.
    const search = Object.hasOwn(body, 'web_search_options') || Object.hasOwn(body, 'search_parameters') ? ['web_search'] : [];
    const sources = Object.hasOwn(body, 'data_sources') ? ['data_sources'] : [];
    // Only OpenRouter has plugins.
    const plugins = expectObjects(body, 'plugins').map((plugin) => `plugin/${expectText(plugin, 'id') ?? ''}`);
    return {
      ...presentAttributes({
        'gen_ai.request.model': expectText(body, 'model'),
        'gen_ai.request.stream': expectBoolean(body, 'stream') ?? false,
        'gen_ai.request.max_tokens': expectNumber(body, 'max_completion_tokens') ?? expectNumber(body, 'max_tokens'),
        'gen_ai.request.temperature': expectNumber(body, 'temperature'),
        'gen_ai.request.top_p': expectNumber(body, 'top_p'),
        'gen_ai.request.seed': expectNumber(body, 'seed'),
        'gen_ai.request.choice.count': expectNumber(body, 'n'),
      }),
      ...toolDefinitions([...tools, ...clientTools(functions), ...providerTools([...search, ...sources, ...plugins])]),
      ...otherModels(expectTexts(body, 'models')),
      // OpenRouter keeps instructions and parameters under the name of a preset.
      ...providerContext({ preset: expectText(body, 'preset') }),
    };
  },
  messages: (body) => arrange(objectsAt(body, 'messages').map((message) => readMessage(message))),
  read(value, draft) {
    draft.identify({ id: textAt(value, 'id'), model: textAt(value, 'model') });
    readError(value, draft);
    readUsage(memberOf(value, 'usage'), draft);
    for (const choice of objectsAt(value, 'choices')) {
      readChoice(choice, draft);
    }
  },
};

/** Reads an error, `{error: {...}}`, in a whole answer or an event of a stream. Some compatible servers send the error as text. */
export function readError(value: JsonObject, draft: AnswerDraft): void {
  const error = memberOf(value, 'error');
  if (isObject(error)) {
    draft.fail(errorName(error), textAt(error, 'message'));
  } else if (typeof error === 'string') {
    draft.fail(undefined, error);
  }
}

/** The types of tools that the client runs. The provider may run a tool of any other type, or drive a computer by it. */
const clientTypes: ReadonlySet<string> = new Set(['', 'function', 'custom', 'local_shell', 'apply_patch']);

/** Tools with their names: a tool that the provider runs has the name of its type, an MCP server its label, a tool in a namespace the namespace and its own name. */
export function toolsIn(tool: JsonObject): OfferedTool[] {
  const type = expectText(tool, 'type') ?? '';
  const own = expectText(expectObject(tool, type === 'custom' ? 'custom' : 'function'), 'name') ?? expectText(tool, 'name');
  if (type === 'namespace') {
    return expectObjects(tool, 'tools').map((inner) => ({
      name: `${own ?? ''}/${expectText(inner, 'name') ?? ''}`,
      isByProvider: !clientTypes.has(expectText(inner, 'type') ?? ''),
    }));
  }
  const label = expectText(tool, 'server_label');
  return [{ name: own ?? (label === undefined ? type : `${type}/${label}`), isByProvider: !clientTypes.has(type) }];
}

function readMessage(message: JsonObject): Message {
  const role = textAt(message, 'role') ?? '';
  const content = memberOf(message, 'content');
  if (role === 'tool' || role === 'function') {
    const id = textAt(message, 'tool_call_id') ?? textAt(message, 'name') ?? null;
    return { role: 'tool', parts: [{ type: 'tool_call_response', id, response: toolOutput(content) }] };
  }
  const refusal = textAt(message, 'refusal');
  return {
    role: role === 'developer' ? 'system' : role,
    parts: [...reasoningOf(message), ...contentParts(content), ...(refusal === undefined ? [] : [text(refusal)]), ...callsOf(message)],
  };
}

function reasoningOf(message: JsonObject): Part[] {
  const content = reasoningText(message);
  return content === undefined || content === '' ? [] : [{ type: 'reasoning', content }];
}

/** The reasoning in a message. OpenAI's own API has none; vLLM and DeepSeek use `reasoning_content`, OpenRouter and Ollama `reasoning`. */
function reasoningText(message: JsonObject): string | undefined {
  return textAt(message, 'reasoning_content') ?? textAt(message, 'reasoning');
}

function callsOf(message: JsonObject): Part[] {
  const old = memberOf(message, 'function_call');
  const calls = objectsAt(message, 'tool_calls').map((call) => toolCall(callPiece(call)));
  return isObject(old) ? [...calls, toolCall({ id: undefined, name: textAt(old, 'name') ?? '', arguments: textAt(old, 'arguments') })] : calls;
}

function callPiece(call: JsonObject): { readonly id: string | undefined; readonly name: string; readonly arguments: string | undefined } {
  const custom = memberOf(call, 'custom');
  const called = isObject(custom) ? custom : objectAt(call, 'function');
  return { id: textAt(call, 'id'), name: textAt(called, 'name') ?? '', arguments: textAt(called, isObject(custom) ? 'input' : 'arguments') };
}

/** Reads a choice. The `message` of a whole answer and the `delta` of a stream have the same members. */
function readChoice(choice: JsonObject, draft: AnswerDraft): void {
  const index = numberAt(choice, 'index') ?? 0;
  const delta = memberOf(choice, 'delta');
  const message = isObject(delta) ? delta : objectAt(choice, 'message');
  draft.append(index, 'reasoning', 'reasoning', reasoningText(message));
  draft.append(index, 'content', 'text', textAt(message, 'content'));
  draft.append(index, 'refusal', 'text', textAt(message, 'refusal'));
  for (const [at, call] of objectsAt(message, 'tool_calls').entries()) {
    draft.call(index, `call ${numberAt(call, 'index') ?? at}`, callPiece(call));
  }
  const old = memberOf(message, 'function_call');
  if (isObject(old)) {
    draft.call(index, 'function', { name: textAt(old, 'name'), arguments: textAt(old, 'arguments') });
  }
  draft.finish(index, textAt(choice, 'finish_reason'));
  readError(choice, draft);
}

export function readUsage(usage: unknown, draft: AnswerDraft): void {
  if (isObject(usage)) {
    draft.count({
      input: numberAt(usage, 'prompt_tokens'),
      output: numberAt(usage, 'completion_tokens'),
      cacheRead: numberAt(objectAt(usage, 'prompt_tokens_details'), 'cached_tokens'),
      cacheCreation: numberAt(objectAt(usage, 'prompt_tokens_details'), 'cache_write_tokens'),
      reasoning: numberAt(objectAt(usage, 'completion_tokens_details'), 'reasoning_tokens'),
    });
  }
}
