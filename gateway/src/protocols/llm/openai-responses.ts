import type { AnswerDraft } from './answer-draft.ts';
import { isObject, type JsonObject, jsonText, memberOf, numberAt, objectAt, objectsAt, textAt } from './json.ts';
import { readError, toolsIn } from './openai-chat.ts';
import { contentParts, errorName, toolOutput } from './openai-media.ts';
import { expectBoolean, expectNumber, expectObject, expectObjects, expectText, presentAttributes, providerContext, toolDefinitions } from './parameters.ts';
import type { Shape } from './shape.ts';
import { arrange, type Message, type Part, text, toolCall } from './transcript.ts';

/** Reads the Responses API and its streaming events: https://platform.openai.com/docs/api-reference/responses */
export const openaiResponses: Shape = {
  parameters(body) {
    return {
      ...presentAttributes({
        'gen_ai.request.model': expectText(body, 'model'),
        'gen_ai.request.stream': expectBoolean(body, 'stream') ?? false,
        'gen_ai.request.max_tokens': expectNumber(body, 'max_output_tokens'),
        'gen_ai.request.temperature': expectNumber(body, 'temperature'),
        'gen_ai.request.top_p': expectNumber(body, 'top_p'),
        'gen_ai.conversation.id': conversationOf(body),
      }),
      ...toolDefinitions([body, ...itemsOf(body)].flatMap((each) => expectObjects(each, 'tools').flatMap((tool) => toolsIn(tool)))),
      ...providerContext({
        previous_response_id: expectText(body, 'previous_response_id'),
        prompt: expectText(expectObject(body, 'prompt'), 'id'),
      }),
    };
  },
  messages(body) {
    const instructions = contentParts(memberOf(body, 'instructions'));
    const input = memberOf(body, 'input');
    return arrange([
      { role: 'system', parts: instructions },
      ...(typeof input === 'string' ? [{ role: 'user', parts: [text(input)] }] : objectsAt(body, 'input').map((item) => readItem(item))),
    ]);
  },
  read(value, draft) {
    const type = textAt(value, 'type');
    const item = textAt(value, 'item_id') ?? textAt(objectAt(value, 'item'), 'id');
    const key = `item ${numberAt(value, 'output_index') ?? item ?? 0}`;
    switch (type) {
      case undefined:
        readWhole(value, draft);
        break;
      case 'response.output_item.added':
        beginItem(objectAt(value, 'item'), key, draft);
        break;
      case 'response.output_item.done':
        endItem(objectAt(value, 'item'), key, draft);
        break;
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        draft.append(0, `${key} ${numberAt(value, 'content_index') ?? 0}`, 'text', textAt(value, 'delta'));
        break;
      case 'response.reasoning_summary_text.delta':
        draft.append(0, `${key} summary ${numberAt(value, 'summary_index') ?? 0}`, 'reasoning', textAt(value, 'delta'));
        break;
      case 'response.reasoning_text.delta':
        draft.append(0, `${key} ${numberAt(value, 'content_index') ?? 0}`, 'reasoning', textAt(value, 'delta'));
        break;
      case 'response.function_call_arguments.delta':
      case 'response.mcp_call_arguments.delta':
      case 'response.code_interpreter_call_code.delta':
      case 'response.custom_tool_call_input.delta':
        draft.continueCall(0, key, textAt(value, 'delta'), item);
        break;
      case 'error':
        draft.fail(errorName(isObject(memberOf(value, 'error')) ? objectAt(value, 'error') : { ...value, type: undefined }), errorMessage(value));
        break;
      default:
        // response.created, .in_progress, .completed, .incomplete, .failed: their output came in events of its own.
        readResponse(objectAt(value, 'response'), draft);
    }
  },
};

function conversationOf(body: JsonObject): string | undefined {
  const conversation = memberOf(body, 'conversation');
  return isObject(conversation) ? expectText(conversation, 'id') : expectText(body, 'conversation');
}

/** The items of the input. Some items bring tools of their own. */
function itemsOf(body: JsonObject): readonly JsonObject[] {
  return typeof memberOf(body, 'input') === 'string' ? [] : expectObjects(body, 'input');
}

function errorMessage(value: JsonObject): string | undefined {
  return textAt(value, 'message') ?? textAt(objectAt(value, 'error'), 'message');
}

function readItem(item: JsonObject): Message {
  const type = textAt(item, 'type') ?? 'message';
  if (type === 'message') {
    const role = textAt(item, 'role') ?? '';
    return { role: role === 'developer' ? 'system' : role, parts: contentParts(memberOf(item, 'content')) };
  }
  return type.endsWith('_output')
    ? { role: 'tool', parts: [{ type: 'tool_call_response', id: textAt(item, 'call_id') ?? null, response: toolOutput(memberOf(item, 'output')) }] }
    : { role: 'assistant', parts: itemParts(item) };
}

function itemParts(item: JsonObject): Part[] {
  const type = textAt(item, 'type') ?? '';
  switch (type) {
    case 'message':
      return contentParts(memberOf(item, 'content'));
    case 'reasoning':
      return [...objectsAt(item, 'summary'), ...objectsAt(item, 'content')].map((part) => ({ type: 'reasoning', content: textAt(part, 'text') ?? '' }));
    default:
      return isCall(type) ? [toolCall(callPiece(item), isByProvider(type))] : [{ type: 'other', name: type }];
  }
}

function isCall(type: string): boolean {
  return type.endsWith('_call');
}

/** True for a call of a tool that the provider runs itself. The client answers the calls that are listed here. */
function isByProvider(type: string): boolean {
  return !['function_call', 'custom_tool_call', 'computer_call', 'local_shell_call', 'shell_call', 'apply_patch_call'].includes(type);
}

/** Reads a call. A tool without a name gets the type of its call, without `_call`. */
function callPiece(item: JsonObject): { readonly id: string | undefined; readonly name: string; readonly arguments: string } {
  const type = textAt(item, 'type') ?? '';
  const written = ['arguments', 'input', 'code'].map((name) => textAt(item, name)).find((given) => given !== undefined);
  const value = ['action', 'operation', 'queries'].map((name) => memberOf(item, name)).find((given) => given !== undefined);
  return {
    id: textAt(item, 'call_id') ?? textAt(item, 'id'),
    name: textAt(item, 'name') ?? type.slice(0, -'_call'.length),
    arguments: written ?? (value === undefined ? '' : jsonText(value)),
  };
}

function readWhole(response: JsonObject, draft: AnswerDraft): void {
  for (const [at, item] of objectsAt(response, 'output').entries()) {
    const key = `item ${at}`;
    for (const [partAt, part] of itemParts(item).entries()) {
      if (part.type === 'text' || part.type === 'reasoning') {
        draft.append(0, `${key} ${part.type} ${partAt}`, part.type, part.content);
      }
    }
    endItem(item, key, draft);
  }
  readError(response, draft);
  readResponse(response, draft);
}

function beginItem(item: JsonObject, key: string, draft: AnswerDraft): void {
  const type = textAt(item, 'type') ?? '';
  if (isCall(type)) {
    draft.call(0, key, { ...callPiece(item), arguments: '', item: textAt(item, 'id'), begins: true }, isByProvider(type) ? 'server_tool_call' : 'tool_call');
  }
}

/** Types of calls whose arguments come in events of their own. */
const inPieces: ReadonlySet<string> = new Set(['function_call', 'custom_tool_call', 'mcp_call', 'code_interpreter_call']);

/** Reads the end of an item. Text and reasoning came before it; some calls have their complete arguments only here. */
function endItem(item: JsonObject, key: string, draft: AnswerDraft): void {
  const type = textAt(item, 'type') ?? '';
  if (isCall(type)) {
    const whole = { ...callPiece(item), item: textAt(item, 'id'), cameInPieces: inPieces.has(type) };
    draft.completeCall(0, key, whole, isByProvider(type) ? 'server_tool_call' : 'tool_call');
  } else if (type !== 'message' && type !== 'reasoning') {
    draft.put(0, { type: 'other', name: type });
  }
}

function readResponse(response: JsonObject, draft: AnswerDraft): void {
  const usage = objectAt(response, 'usage');
  const status = textAt(response, 'status');
  draft.identify({ id: textAt(response, 'id'), model: textAt(response, 'model'), conversation: textAt(objectAt(response, 'conversation'), 'id') });
  readError(response, draft);
  if (status !== undefined && status !== 'in_progress' && status !== 'queued') {
    // This API has no finish reason of its own.
    draft.finish(0, textAt(objectAt(response, 'incomplete_details'), 'reason') ?? status);
  }
  draft.count({
    // An answer to a request to count tokens has its count outside of `usage`.
    input: numberAt(usage, 'input_tokens') ?? numberAt(response, 'input_tokens'),
    output: numberAt(usage, 'output_tokens'),
    cacheRead: numberAt(objectAt(usage, 'input_tokens_details'), 'cached_tokens'),
    cacheCreation: numberAt(objectAt(usage, 'input_tokens_details'), 'cache_write_tokens'),
    reasoning: numberAt(objectAt(usage, 'output_tokens_details'), 'reasoning_tokens'),
  });
}
