import { hash } from 'node:crypto';
import type { ActionText, Attributes, AttributeValue } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { unknownEffects } from '../../domain/effects.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { plainPath } from '../../exchange/path.ts';
import type { RequestHead, RequestReading } from '../../exchange/reading.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { parseStrictJson } from '../../content/strict-json.ts';
import { actionText } from './action-text.ts';
import { ModelAnswer } from './answer.ts';
import { effectsOf } from './effects.ts';
import { isObject, type JsonObject } from './json.ts';
import { refuseLookalikes } from './lookalikes.ts';
import { modalitiesOf } from './modalities.ts';
import { type Api, findApi } from './apis.ts';
import { ServedAnswer } from './served-answer.ts';
import type { Message } from './transcript.ts';

export const unknownName = 'unknown';

/** The facts of a request to a model, as plain data that can go between threads. */
export interface ModelFacts {
  readonly name: string;
  readonly attributes: Attributes;
  /** True if the request has text that policy may read. */
  readonly hasText: boolean;
}

/**
 * Reads what a request asks of a model. `json` is the parsed body, if it was parsed. An unknown path, method or encoding gives the action `unknown`, which is
 * never harmless. Throws GatewayError `malformed` or `limit_exceeded` if the body of a known API is not what that API takes, or may be read in two ways.
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
  const attributes: Record<string, AttributeValue> = {
    'gen_ai.operation.name': api.operation,
    'gen_ai.provider.name': api.provider,
    ...(api.takesBody ? api.shape.parameters(given) : {}),
    ...api.attributes,
    ...systemDigest(messages),
    ...modalitiesOf(messages),
  };
  attributes[ownAttributes.effects] = effectsOf(isKnown, attributes);
  const facts: ModelFacts = { name: isKnown ? api.action : unknownName, attributes, hasText: isKnown && api.takesBody };
  return api.takesBody ? { facts, json: given } : { facts };
}

/** Gives the action of a request and the reader of its answer. `api` and `facts` are what `findApi` and `readFacts` found; without them, these are called here. Throws as `readFacts` does. */
export function readModelRequest(
  head: RequestHead,
  body: Uint8Array,
  {
    api = findApi(head),
    facts = readFacts(head, body).facts,
    eventBytes = defaultEventBytesMax,
  }: { readonly api?: Api | null; readonly facts?: ModelFacts; readonly eventBytes?: number } = {},
): RequestReading {
  const { name, attributes, hasText } = facts;
  const text = (): ActionText => actionText(api?.shape.messages(parseBody(body)) ?? []);
  return {
    action: { name, attributes, ...(hasText ? { text } : {}) },
    answer:
      api === null
        ? new ModelAnswer(null)
        : new ServedAnswer(api.shape, { request: head, askedBytes: name === 'llm.list_models' ? 0 : body.length, eventBytes }),
  };
}

/** Facts about a request to an unknown API: its method and its path. The query is left out because it may hold a key. */
function unknownFacts({ method, path }: RequestHead): ModelFacts {
  const [pathAlone = ''] = path.split('?', 1);
  return {
    name: unknownName,
    attributes: { 'http.request.method': method, 'url.path': plainPath(pathAlone), [ownAttributes.effects]: unknownEffects },
    hasText: false,
  };
}

/** The messages of a recorded request; null if they cannot be read. Never throws. */
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
    throw new GatewayError('malformed', 'A request to a model must be a JSON object.');
  }
  return value;
}

/** A digest of the request's system instructions: SHA-256, in hex, of their UTF-8 texts in order, with one line feed between two. No attribute if there are none. */
export function systemDigest(messages: readonly Message[]): Attributes {
  const parts = messages.filter(({ role }) => role === 'system').flatMap((message) => message.parts);
  const texts = parts.flatMap((part) => (part.type === 'text' ? [part.content] : []));
  return texts.length === 0 ? {} : { [ownAttributes.systemInstructionsSha256]: hash('sha256', texts.join('\n')) };
}
