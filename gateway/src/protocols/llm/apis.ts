import { hash } from 'node:crypto';
import type { ActionText, Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { RequestHead, RequestReading } from '../../exchange/reading.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { parseStrictJson } from '../../content/strict-json.ts';
import { actionText } from './action-text.ts';
import { ModelAnswer } from './answer.ts';
import { isObject, type JsonObject } from './json.ts';
import { refuseLookalikes } from './lookalikes.ts';
import { type Api, findApi } from './routes.ts';
import type { Message } from './transcript.ts';

export const unknownName = 'unknown';

/** What a request asks of a model, as plain data. */
export interface ModelFacts {
  readonly name: string;
  readonly attributes: Attributes;
  /** It says something that policy may look at. */
  readonly hasText: boolean;
}

/**
 * What a request asks of a model, and the JSON of its body where that was read. A path, method or encoding that is not known gives the action `unknown`, which is never harmless.
 * Throws GatewayError `malformed` or `limit_exceeded` where the body of a known API is not what that API takes, or may be read in two ways.
 */
export function readFacts(head: RequestHead, body: Uint8Array): { readonly facts: ModelFacts; readonly json?: JsonObject } {
  const api = findApi(head);
  if (api === null) {
    return { facts: unknownFacts(head) };
  }
  const given = api.takesBody ? parseBody(body) : {};
  const messages = api.shape.messages(given);
  const isKnown = api.shape.knows?.(given) !== false;
  if (isKnown) {
    refuseLookalikes(given);
  }
  const facts: ModelFacts = {
    name: isKnown ? api.action : unknownName,
    attributes: {
      'gen_ai.operation.name': api.operation,
      'gen_ai.provider.name': api.provider,
      ...(api.takesBody ? api.shape.parameters(given) : {}),
      ...api.attributes,
      ...systemDigest(messages),
    },
    hasText: isKnown && api.takesBody,
  };
  return api.takesBody ? { facts, json: given } : { facts };
}

/** `facts`: what `readFacts` found. Errors: as there. */
export function readModelRequest(
  head: RequestHead,
  body: Uint8Array,
  { facts = readFacts(head, body).facts, eventBytes = defaultEventBytesMax }: { readonly facts?: ModelFacts; readonly eventBytes?: number } = {},
): RequestReading {
  const api = findApi(head);
  const { name, attributes, hasText } = facts;
  const text = (): ActionText => actionText(api?.shape.messages(parseBody(body)) ?? []);
  return {
    action: { name, attributes, ...(hasText ? { text } : {}) },
    answer: api === null ? new ModelAnswer(null) : new ModelAnswer(api.shape, { eventBytes }),
  };
}

/** Method and path are all there is to tell such requests apart; a query may hold a key. */
function unknownFacts({ method, path }: RequestHead): ModelFacts {
  const [pathAlone = ''] = path.split('?', 1);
  return { name: unknownName, attributes: { 'http.request.method': method, 'url.path': pathAlone }, hasText: false };
}

/** The messages of a recorded request; null where they cannot be read. Never throws. */
export function readMessages(api: Api, body: Uint8Array): readonly Message[] | null {
  try {
    return api.shape.messages(parseBody(body));
  } catch {
    return null;
  }
}

export function parseBody(body: Uint8Array): JsonObject {
  const value = parseStrictJson(body);
  if (!isObject(value)) {
    throw new GatewayError('malformed', 'What is said to a model is not a JSON object.');
  }
  return value;
}

/** SHA-256, in hex, of the UTF-8 text of all system instructions of the request, in order, one line feed between two. */
export function systemDigest(messages: readonly Message[]): Attributes {
  const texts = messages.flatMap(({ role, parts }) => (role === 'system' ? parts.flatMap((part) => (part.type === 'text' ? [part.content] : [])) : []));
  return texts.length === 0 ? {} : { 'countersign.system_instructions.sha256': hash('sha256', texts.join('\n')) };
}
