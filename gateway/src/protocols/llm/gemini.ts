import { GatewayError } from '../../domain/errors.ts';
import type { AnswerDraft } from './answer-draft.ts';
import { isObject, type JsonObject, jsonText, memberOf, numberAt, objectAt, objectsAt, textAt } from './json.ts';
import {
  clientTools,
  expectNumber,
  expectObject,
  expectObjects,
  expectText,
  type Find,
  type OfferedTool,
  presentAttributes,
  providerContext,
  providerTools,
  toolDefinitions,
} from './parameters.ts';
import type { Shape } from './shape.ts';
import { arrange, media, type Message, modalityOf, type Part, partsOf, text, toolCall } from './transcript.ts';

/**
 * Reads generateContent, streamGenerateContent, countTokens, embedContent and batchEmbedContents, of the Gemini API and of Vertex AI.
 * https://ai.google.dev/api/generate-content
 */
export const gemini: Shape = {
  parameters(body) {
    refuseTwoSpellings(body);
    const asked = askedOf(body);
    const config = expectObject(asked, 'generationConfig', memberIn);
    expectObjects(asked, 'contents', findList);
    return {
      ...presentAttributes({
        'gen_ai.request.max_tokens': expectNumber(config, 'maxOutputTokens', memberIn),
        'gen_ai.request.temperature': expectNumber(config, 'temperature', memberIn),
        'gen_ai.request.top_p': expectNumber(config, 'topP', memberIn),
        'gen_ai.request.top_k': expectNumber(config, 'topK', memberIn),
        'gen_ai.request.seed': expectNumber(config, 'seed', memberIn),
        'gen_ai.request.choice.count': expectNumber(config, 'candidateCount', memberIn),
      }),
      ...toolDefinitions(expectObjects(asked, 'tools', findList).flatMap((tool) => toolsIn(tool))),
      ...providerContext({ cachedContent: expectText(asked, 'cachedContent', memberIn) }),
    };
  },
  messages(body) {
    const asked = askedOf(body);
    const instruction = memberIn(asked, 'systemInstruction');
    const embedded = [asked, ...listIn(asked, 'requests')].map((each) => memberOf(each, 'content')).filter(isObject);
    return arrange([
      ...(isObject(instruction) ? [{ role: 'system', parts: contentParts(instruction) }] : []),
      ...[...listIn(asked, 'contents'), ...embedded].map((content) => readContent(content)),
    ]);
  },
  read(value, draft) {
    draft.identify({ id: textAt(value, 'responseId'), model: textAt(value, 'modelVersion') });
    for (const candidate of objectsAt(value, 'candidates')) {
      readCandidate(candidate, draft);
    }
    draft.finish(0, textAt(objectAt(value, 'promptFeedback'), 'blockReason'));
    readUsage(value, draft);
    const error = memberOf(value, 'error');
    if (isObject(error)) {
      const code = numberAt(error, 'code');
      draft.fail(textAt(error, 'status') ?? (code === undefined ? undefined : String(code)), textAt(error, 'message'));
    }
  },
};

/** Finds a member by its camelCase name, in either spelling: Google also accepts snake_case. `gemini.parameters` checks for the whole request that no object has both. */
export const memberIn: Find = (object, name) =>
  memberOf(object, name) ??
  memberOf(
    object,
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  );

/** Finds a list. Where Google expects a list, it also accepts an object as a list of one. */
const findList: Find = (object, name) => {
  const value = memberIn(object, name);
  return isObject(value) ? [value] : value;
};

/** Throws GatewayError `malformed` if an object in the value has a member in both spellings, because it may be read in two ways (ATTACKS A12). */
function refuseTwoSpellings(value: unknown): void {
  // The depth of a request is limited where it is parsed.
  if (Array.isArray(value)) {
    value.forEach(refuseTwoSpellings);
  } else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (name.includes('_') && Object.hasOwn(value, camelCase(name))) {
        throw new GatewayError('malformed', 'The request has a member in two spellings, with and without an underscore.');
      }
      refuseTwoSpellings(member);
    }
  }
}

/** Converts a name as the JSON form of Protocol Buffers does: only a letter or digit after an underscore changes. */
function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The objects of a list. Unlike `expectObjects` it never throws: anything else in the list is left out. */
export function listIn(object: JsonObject, name: string): readonly JsonObject[] {
  const list = findList(object, name);
  return Array.isArray(list) ? list.filter(isObject) : [];
}

export function textIn(object: JsonObject, name: string): string | undefined {
  const value = memberIn(object, name);
  return typeof value === 'string' ? value : undefined;
}

/** Returns the request itself: countTokens may contain a whole request. */
function askedOf(body: JsonObject): JsonObject {
  const inner = memberIn(body, 'generateContentRequest');
  return isObject(inner) ? inner : body;
}

/** The declared functions, and the tools that Google runs itself (`googleSearch`, `codeExecution` ...), which are known by the name of their member. */
function toolsIn(tool: JsonObject): OfferedTool[] {
  const declared = expectObjects(tool, 'functionDeclarations', findList).map((each) => expectText(each, 'name') ?? '');
  const own = Object.keys(tool).filter((name) => name !== 'functionDeclarations' && name !== 'function_declarations');
  return [...clientTools(declared), ...providerTools(own)];
}

function readContent(content: JsonObject): Message {
  const role = textAt(content, 'role') ?? 'user';
  return { role: role === 'model' ? 'assistant' : role, parts: contentParts(content) };
}

function contentParts(content: JsonObject): Part[] {
  return partsOf(findList(content, 'parts'), readPart);
}

function readPart(part: JsonObject): Part {
  const content = textAt(part, 'text');
  if (content !== undefined) {
    return memberOf(part, 'thought') === true ? { type: 'reasoning', content } : text(content);
  }
  const call = memberIn(part, 'functionCall');
  if (isObject(call)) {
    return toolCall({ id: textAt(call, 'id'), name: textAt(call, 'name') ?? '', arguments: memberOf(call, 'args') });
  }
  const response = memberIn(part, 'functionResponse');
  if (isObject(response)) {
    // If there is no id, the name ties the result to its call.
    return { type: 'tool_call_response', id: textAt(response, 'id') ?? textAt(response, 'name') ?? null, response: memberOf(response, 'response') ?? null };
  }
  const inline = memberIn(part, 'inlineData');
  const file = memberIn(part, 'fileData');
  if (isObject(inline) || isObject(file)) {
    const given = isObject(inline) ? inline : isObject(file) ? file : {};
    const mimeType = textIn(given, 'mimeType');
    return media(modalityOf(mimeType), { mimeType, base64: textAt(given, 'data'), uri: textIn(given, 'fileUri') });
  }
  return { type: 'other', name: Object.keys(part).find((name) => !name.startsWith('thought')) ?? 'part' };
}

/** Reads a candidate. Text continues the part before it if that is of the same kind; each tool call comes whole. */
function readCandidate(candidate: JsonObject, draft: AnswerDraft): void {
  const index = numberAt(candidate, 'index') ?? 0;
  for (const part of objectsAt(objectAt(candidate, 'content'), 'parts')) {
    const read = readPart(part);
    if (read.type === 'text' || read.type === 'reasoning') {
      draft.append(index, draft.keyFor(index, read.type), read.type, read.content);
    } else if (read.type === 'tool_call') {
      draft.call(index, draft.keyFor(index), { id: read.id ?? undefined, name: read.name, arguments: jsonText(read.arguments) });
    } else {
      draft.put(index, read);
    }
  }
  draft.finish(index, textAt(candidate, 'finishReason'));
}

/** Counts tokens. Google counts thoughts and output separately; cached tokens are part of the prompt. */
function readUsage(value: JsonObject, draft: AnswerDraft): void {
  const usage = objectAt(value, 'usageMetadata');
  const said = numberAt(usage, 'candidatesTokenCount');
  const thought = numberAt(usage, 'thoughtsTokenCount');
  const prompt = numberAt(usage, 'promptTokenCount');
  draft.count({
    // countTokens answers with `totalTokens`.
    input: prompt === undefined ? numberAt(value, 'totalTokens') : prompt + (numberAt(usage, 'toolUsePromptTokenCount') ?? 0),
    output: said === undefined && thought === undefined ? undefined : (said ?? 0) + (thought ?? 0),
    cacheRead: numberAt(usage, 'cachedContentTokenCount'),
    reasoning: thought,
  });
}
