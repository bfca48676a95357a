import type { AnswerDraft } from './answer-draft.ts';
import { isObject, type JsonObject, jsonText, memberOf, numberAt, objectAt, objectsAt, textAt } from './json.ts';
import {
  expectBoolean,
  expectNumber,
  expectObject,
  expectObjects,
  expectText,
  type OfferedTool,
  otherModels,
  presentAttributes,
  providerTools,
  toolDefinitions,
} from './parameters.ts';
import type { Shape } from './shape.ts';
import { arrange, jointText, media, type Message, type Part, partsOf, text, toolCall } from './transcript.ts';

/** Reads the Messages API and its count_tokens. https://docs.anthropic.com/en/api/messages */
export const anthropicMessages: Shape = {
  parameters(body) {
    const tools = [...expectObjects(body, 'tools'), ...toolsAdded(body)];
    const servers = expectObjects(body, 'mcp_servers').map((server) => `mcp/${expectText(server, 'name') ?? ''}`);
    const fallbacks = memberOf(body, 'fallbacks') === 'default' ? ['default'] : modelsOf(expectObjects(body, 'fallbacks'));
    return {
      ...presentAttributes({
        'gen_ai.request.model': expectText(body, 'model'),
        'gen_ai.request.stream': expectBoolean(body, 'stream') ?? false,
        'gen_ai.request.max_tokens': expectNumber(body, 'max_tokens'),
        'gen_ai.request.temperature': expectNumber(body, 'temperature'),
        'gen_ai.request.top_p': expectNumber(body, 'top_p'),
        'gen_ai.request.top_k': expectNumber(body, 'top_k'),
      }),
      ...toolDefinitions([...tools.map((tool) => offeredTool(tool)), ...providerTools(servers)]),
      ...otherModels([...fallbacks, ...modelsOf(tools)]),
    };
  },
  messages(body) {
    const system: Message = { role: 'system', parts: contentParts(memberOf(body, 'system')) };
    const turns = objectsAt(body, 'messages').map((message) => ({
      role: textAt(message, 'role') ?? '',
      parts: contentParts(memberOf(message, 'content')),
    }));
    return arrange([system, ...turns]);
  },
  read(value, draft) {
    switch (textAt(value, 'type')) {
      case 'message':
        readWhole(value, draft);
        break;
      case 'message_start':
        readWhole(objectAt(value, 'message'), draft);
        break;
      case 'content_block_start':
        readBlock(objectAt(value, 'content_block'), numberAt(value, 'index') ?? 0, draft);
        break;
      case 'content_block_delta':
        readDelta(objectAt(value, 'delta'), numberAt(value, 'index') ?? 0, draft);
        break;
      case 'message_delta':
        draft.finish(0, textAt(objectAt(value, 'delta'), 'stop_reason'));
        readUsage(objectAt(value, 'usage'), draft);
        break;
      case 'error':
        draft.fail(textAt(objectAt(value, 'error'), 'type'), textAt(objectAt(value, 'error'), 'message'));
        break;
      default:
        // count_tokens
        draft.count({ input: numberAt(value, 'input_tokens') });
    }
  },
};

/** Matches the types of tools that the client runs. The provider runs a tool of any other type, or drives a computer by it. */
const clientType = /^(?:custom|(?:bash|text_editor|memory)_\d+)?$/;

/** Reads the definition of a tool in the form of Anthropic's models. */
export function offeredTool(tool: JsonObject): OfferedTool {
  return { name: toolName(tool), isByProvider: !clientType.test(expectText(tool, 'type') ?? '') };
}

/** The name of a tool; of a tool that the provider runs, which may have only a type, its type; of a set of tools of an MCP server, `mcp/` and the server's name. */
function toolName(tool: JsonObject): string {
  const server = expectText(tool, 'mcp_server_name');
  return server === undefined ? (expectText(tool, 'name') ?? expectText(tool, 'type') ?? '') : `mcp/${server}`;
}

/** Finds the tools that are defined within messages of the conversation. */
function toolsAdded(body: JsonObject): readonly JsonObject[] {
  return expectObjects(body, 'messages')
    .flatMap((message) => objectsAt(message, 'content'))
    .filter((block) => textAt(block, 'type') === 'tool_addition')
    .map((block) => expectObject(expectObject(block, 'tool'), 'definition'))
    .filter((definition) => Object.hasOwn(definition, 'type') || Object.hasOwn(definition, 'name'));
}

function modelsOf(objects: readonly JsonObject[]): string[] {
  return objects.flatMap((each) => expectText(each, 'model') ?? []);
}

function contentParts(content: unknown): Part[] {
  return partsOf(content, blockPart);
}

function blockPart(block: JsonObject): Part {
  const type = textAt(block, 'type') ?? '';
  switch (type) {
    case 'text':
      return text(textAt(block, 'text') ?? '');
    case 'thinking':
      return { type: 'reasoning', content: textAt(block, 'thinking') ?? '' };
    case 'image':
    case 'document':
      return sourcePart(type, objectAt(block, 'source'));
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return toolCall({ id: textAt(block, 'id'), name: textAt(block, 'name') ?? '', arguments: memberOf(block, 'input') }, type !== 'tool_use');
    default:
      // tool_result, and the results of tools that the provider runs: web_search_tool_result, mcp_tool_result ...
      return type.endsWith('tool_result')
        ? { type: 'tool_call_response', id: textAt(block, 'tool_use_id') ?? null, response: resultOf(memberOf(block, 'content')) }
        : { type: 'other', name: type };
  }
}

function sourcePart(modality: 'image' | 'document', source: JsonObject): Part {
  const mimeType = textAt(source, 'media_type');
  switch (textAt(source, 'type')) {
    case 'url':
      return media(modality, { mimeType, uri: textAt(source, 'url') ?? '' });
    case 'file':
      return { type: 'file', modality, mime_type: mimeType ?? null, file_id: textAt(source, 'file_id') ?? '' };
    case 'text':
      return text(textAt(source, 'data') ?? '');
    default:
      return media(modality, { mimeType, base64: textAt(source, 'data') });
  }
}

/** A tool's result: one text if all parts are text, otherwise the parts, where media are only named. */
function resultOf(content: unknown): unknown {
  const parts = isObject(content) ? [] : contentParts(content);
  return parts.length === 0 ? (content ?? null) : (jointText(parts) ?? parts);
}

function readWhole(message: JsonObject, draft: AnswerDraft): void {
  draft.identify({ id: textAt(message, 'id'), model: textAt(message, 'model') });
  for (const [at, block] of objectsAt(message, 'content').entries()) {
    readBlock(block, at, draft);
  }
  draft.finish(0, textAt(message, 'stop_reason'));
  readUsage(objectAt(message, 'usage'), draft);
}

/** Reads a block of a whole answer, or the beginning of a block of a stream. In a stream, a tool's input is empty here and follows as text. */
function readBlock(block: JsonObject, index: number, draft: AnswerDraft): void {
  const type = textAt(block, 'type') ?? '';
  const key = `block ${index}`;
  switch (type) {
    case 'text':
      draft.append(0, key, 'text', textAt(block, 'text'));
      break;
    case 'thinking':
      draft.append(0, key, 'reasoning', textAt(block, 'thinking'));
      break;
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use': {
      const input = objectAt(block, 'input');
      const given = Object.keys(input).length === 0 ? '' : jsonText(input);
      const kind = type === 'tool_use' ? 'tool_call' : 'server_tool_call';
      draft.call(0, key, { id: textAt(block, 'id'), name: textAt(block, 'name'), arguments: given, begins: true }, kind);
      break;
    }
    default:
      draft.put(0, blockPart(block));
  }
}

function readDelta(delta: JsonObject, index: number, draft: AnswerDraft): void {
  const key = `block ${index}`;
  switch (textAt(delta, 'type')) {
    case 'text_delta':
      draft.append(0, key, 'text', textAt(delta, 'text'));
      break;
    case 'thinking_delta':
      draft.append(0, key, 'reasoning', textAt(delta, 'thinking'));
      break;
    case 'input_json_delta':
      draft.continueCall(0, key, textAt(delta, 'partial_json'));
      break;
    default:
    // Signatures and citations are in the recorded bytes.
  }
}

/** Counts tokens. Anthropic's `input_tokens` do not include tokens from a cache. */
function readUsage(usage: JsonObject, draft: AnswerDraft): void {
  draft.count({
    uncachedInput: numberAt(usage, 'input_tokens'),
    output: numberAt(usage, 'output_tokens'),
    cacheRead: numberAt(usage, 'cache_read_input_tokens'),
    cacheCreation: numberAt(usage, 'cache_creation_input_tokens'),
    reasoning: numberAt(objectAt(usage, 'output_tokens_details'), 'thinking_tokens'),
  });
}
