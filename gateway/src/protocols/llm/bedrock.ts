import { anthropicMessages, offeredTool } from './anthropic-messages.ts';
import type { AnswerDraft } from './answer-draft.ts';
import { isObject, type JsonObject, jsonText, memberOf, numberAt, objectAt, objectsAt, parseObject, textAt } from './json.ts';
import { expectNumber, expectObject, expectObjects, expectText, type OfferedTool, presentAttributes, toolDefinitions } from './parameters.ts';
import type { Shape } from './shape.ts';
import { arrange, jointText, media, type Message, modalityOf, type Part, text, toolCall } from './transcript.ts';

/**
 * Reads Converse, ConverseStream and CountTokens. An event of a stream is an object with one member, which is named by the event's type (`framing.ts`).
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
export const bedrockConverse: Shape = {
  parameters(body) {
    const asked = askedOf(body);
    const config = expectObject(asked, 'inferenceConfig');
    expectObjects(asked, 'messages');
    expectObjects(asked, 'system');
    const tools = expectObjects(expectObject(asked, 'toolConfig'), 'tools').flatMap((tool) => toolsIn(tool));
    // Tools in the model's own form, which Bedrock passes on to it.
    const ownTools = expectObjects(expectObject(asked, 'additionalModelRequestFields'), 'tools').map((tool) => offeredTool(tool));
    return {
      ...presentAttributes({
        'gen_ai.request.max_tokens': expectNumber(config, 'maxTokens'),
        'gen_ai.request.temperature': expectNumber(config, 'temperature'),
        'gen_ai.request.top_p': expectNumber(config, 'topP'),
      }),
      ...toolDefinitions([...tools, ...ownTools]),
    };
  },
  messages(body) {
    const asked = askedOf(body);
    return arrange([
      { role: 'system', parts: objectsAt(asked, 'system').map((block) => readBlock(block)) },
      ...objectsAt(asked, 'messages').map((message) => readMessage(message)),
    ]);
  },
  read(value, draft) {
    for (const [type, event] of Object.entries(value)) {
      readEvent(type, event, draft);
    }
  },
};

/**
 * Reads InvokeModel and InvokeModelWithResponseStream, whose body has the model's own form. Only the form of Anthropic's models is known; of
 * others only the path is read. An event of the stream holds one of the model's own events in base64.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
 */
export const bedrockInvoke: Shape = {
  knows: isAnthropic,
  parameters: (body) => (isAnthropic(body) ? anthropicMessages.parameters(body) : {}),
  messages: (body) => (isAnthropic(body) ? anthropicMessages.messages(body) : []),
  read(value, draft) {
    const chunk = memberOf(value, 'chunk');
    if (isObject(chunk)) {
      const event = parseObject(Buffer.from(textAt(chunk, 'bytes') ?? '', 'base64').toString('utf8'));
      anthropicMessages.read(event ?? {}, draft);
    } else if (textAt(value, 'type') === 'message') {
      anthropicMessages.read(value, draft);
    } else {
      readFailure(value, draft);
    }
  },
};

/** Returns the request itself: CountTokens contains the request whose tokens it counts. */
function askedOf(body: JsonObject): JsonObject {
  const input = objectAt(body, 'input');
  const inner = memberOf(input, 'converse');
  return isObject(inner) ? inner : body;
}

function isAnthropic(body: JsonObject): boolean {
  return Object.hasOwn(body, 'anthropic_version');
}

/** Tools, including tools that Bedrock runs. A cache point in the list is not a tool. */
function toolsIn(tool: JsonObject): OfferedTool[] {
  return Object.keys(tool)
    .filter((kind) => kind !== 'cachePoint')
    .map((kind) => ({ name: expectText(expectObject(tool, kind), 'name') ?? kind, isByProvider: kind !== 'toolSpec' }));
}

function readMessage(message: JsonObject): Message {
  return { role: textAt(message, 'role') ?? '', parts: objectsAt(message, 'content').map((block) => readBlock(block)) };
}

function readBlock(block: JsonObject): Part {
  const content = textAt(block, 'text');
  if (content !== undefined) {
    return text(content);
  }
  const [name = '', member] = Object.entries(block).find(([, value]) => isObject(value)) ?? [];
  const inner = isObject(member) ? member : {};
  switch (name) {
    case 'toolUse':
      return toolCall({ id: textAt(inner, 'toolUseId'), name: textAt(inner, 'name') ?? '', arguments: memberOf(inner, 'input') });
    case 'toolResult':
      return { type: 'tool_call_response', id: textAt(inner, 'toolUseId') ?? null, response: resultOf(inner) };
    case 'reasoningContent':
      return { type: 'reasoning', content: textAt(objectAt(inner, 'reasoningText'), 'text') ?? '' };
    case 'image':
    case 'document':
    case 'video':
    case 'audio':
      return mediaBlock(name, inner);
    default:
      return { type: 'other', name };
  }
}

function mediaBlock(name: 'image' | 'document' | 'video' | 'audio', block: JsonObject): Part {
  const format = textAt(block, 'format');
  const mimeType = format === undefined ? undefined : name === 'document' ? `application/${format}` : `${name}/${format}`;
  const source = objectAt(block, 'source');
  return media(name === 'document' ? 'document' : modalityOf(`${name}/`), {
    mimeType,
    base64: textAt(source, 'bytes'),
    uri: textAt(objectAt(source, 's3Location'), 'uri'),
  });
}

/** A tool's result: the value if it is one JSON value, one text if all blocks are text, otherwise the parts. */
function resultOf(result: JsonObject): unknown {
  const blocks = objectsAt(result, 'content');
  const [first] = blocks;
  if (first !== undefined && blocks.length === 1 && Object.hasOwn(first, 'json')) {
    return first['json'];
  }
  const parts = blocks.map((block) => readBlock(block));
  return jointText(parts) ?? parts;
}

/** Reads an event of a stream, or a member of a whole answer: their names differ, so one function reads both. */
function readEvent(type: string, value: unknown, draft: AnswerDraft): void {
  const event = isObject(value) ? value : {};
  const index = numberAt(event, 'contentBlockIndex') ?? 0;
  switch (type) {
    case 'output':
      for (const [at, block] of objectsAt(objectAt(event, 'message'), 'content').entries()) {
        putBlock(block, at, draft);
      }
      break;
    case 'contentBlockStart': {
      const use = objectAt(objectAt(event, 'start'), 'toolUse');
      if (Object.hasOwn(use, 'toolUseId')) {
        draft.call(0, `block ${index}`, { id: textAt(use, 'toolUseId'), name: textAt(use, 'name'), begins: true });
      }
      break;
    }
    case 'contentBlockDelta':
      readDelta(objectAt(event, 'delta'), index, draft);
      break;
    case 'messageStop':
      draft.finish(0, textAt(event, 'stopReason'));
      break;
    case 'stopReason':
      draft.finish(0, typeof value === 'string' ? value : undefined);
      break;
    case 'metadata':
      readUsage(objectAt(event, 'usage'), draft);
      break;
    case 'usage':
      readUsage(event, draft);
      break;
    case 'inputTokens':
      draft.count({ input: typeof value === 'number' ? value : undefined });
      break;
    default:
      readFailure({ [type]: value }, draft);
  }
}

function putBlock(block: JsonObject, index: number, draft: AnswerDraft): void {
  const part = readBlock(block);
  const key = `block ${index}`;
  if (part.type === 'text' || part.type === 'reasoning') {
    draft.append(0, key, part.type, part.content);
  } else if (part.type === 'tool_call') {
    draft.call(0, key, { id: part.id ?? undefined, name: part.name, arguments: jsonText(part.arguments), begins: true });
  } else {
    draft.put(0, part);
  }
}

function readDelta(delta: JsonObject, index: number, draft: AnswerDraft): void {
  const key = `block ${index}`;
  const input = textAt(objectAt(delta, 'toolUse'), 'input');
  draft.append(0, key, 'text', textAt(delta, 'text'));
  draft.append(0, key, 'reasoning', textAt(objectAt(delta, 'reasoningContent'), 'text'));
  if (input !== undefined) {
    draft.continueCall(0, key, input);
  }
}

/** Reads an error. A whole error is `{message}` and its name is in a header; in a stream, the name of the event is the name of the error. */
function readFailure(value: JsonObject, draft: AnswerDraft): void {
  for (const [name, member] of Object.entries(value)) {
    if (name.toLowerCase() === 'message' && typeof member === 'string') {
      draft.fail(undefined, member);
    } else if (/(exception|error)$/i.test(name) && isObject(member)) {
      draft.fail(
        name.replace(/^[a-z]/, (letter) => letter.toUpperCase()),
        textAt(member, 'message'),
      );
    }
  }
}

/** Counts tokens. Bedrock's `inputTokens` do not include tokens from a cache. */
function readUsage(usage: JsonObject, draft: AnswerDraft): void {
  draft.count({
    uncachedInput: numberAt(usage, 'inputTokens'),
    output: numberAt(usage, 'outputTokens'),
    cacheRead: numberAt(usage, 'cacheReadInputTokens'),
    cacheCreation: numberAt(usage, 'cacheWriteInputTokens'),
  });
}
