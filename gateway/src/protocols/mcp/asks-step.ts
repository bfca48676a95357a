import type { Action, Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Step } from '../../domain/step.ts';
import { actionOfMethod, effectsOfMethod } from './actions.ts';
import { inputRequests, isObject, type Message, parseServerBody, type RequestId } from './messages.ts';

const askingKeys = new Set(['method', 'result']);
const byTarget = { [ownAttributes.askedBy]: 'target' };

/** The server's requests to the client in one piece of an answer, as plain data. */
export interface ReadPiece {
  readonly actions: readonly Action[];
  /** The id of the request that the piece answers. */
  readonly answered: RequestId | null;
  /** The server's own requests. */
  readonly requests: readonly RequestId[];
}

interface Piece {
  readonly body: Uint8Array;
  /** True if the client may take the piece for a message. */
  readonly mayBeMessage: boolean;
}

const nothing: ReadPiece = { actions: [], answered: null, requests: [] };
/** A piece that cannot be read counts as an unknown request. */
export const unreadPiece: ReadPiece = {
  ...nothing,
  actions: [{ name: actionOfMethod(''), attributes: { ...byTarget, [ownAttributes.effects]: effectsOfMethod('') } }],
};

/** Reads a long piece. */
export const step: Step<Piece, ReadPiece> = { module: import.meta.url, take: ({ body, mayBeMessage }) => readPiece(body, mayBeMessage) };

export function readPiece(data: Uint8Array, mayBeMessage: boolean): ReadPiece {
  const messages = readMessages(data);
  if (messages === null) {
    return mayBeMessage && mayAsk(data) ? unreadPiece : nothing;
  }
  return {
    actions: messages.flatMap(actionsOf),
    answered: messages.find((message) => message.kind === 'result' || message.kind === 'failure')?.id ?? null,
    requests: messages.flatMap((message) => (message.kind === 'request' ? [message.id] : [])),
  };
}

function actionsOf(message: Message): Action[] {
  const action = (method: string, more: Attributes = {}): Action => ({
    name: actionOfMethod(method),
    attributes: { ...byTarget, [ownAttributes.effects]: effectsOfMethod(method), 'mcp.method.name': method, ...more },
  });
  return message.kind === 'request'
    ? [action(message.method, { 'jsonrpc.request.id': message.id.text })]
    : message.kind === 'result'
      ? inputRequests(message.result).map((method) => action(method))
      : [];
}

/** Parses a server's messages as common clients do: bytes that are not UTF-8 are replaced. Null if they cannot be read. */
function readMessages(data: Uint8Array): readonly Message[] | null {
  try {
    return parseServerBody(new TextDecoder().decode(data)).messages;
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}

/** True if these bytes, which are no message here, could be a message with a request to some client. */
function mayAsk(data: Uint8Array): boolean {
  try {
    const elements: readonly unknown[] = [JSON.parse(new TextDecoder().decode(data))].flat();
    const keys = elements.flatMap((element) => (isObject(element) ? Object.keys(element) : []));
    return keys.some((key) => askingKeys.has(key.toLowerCase()));
  } catch {
    return data.length > 0;
  }
}
