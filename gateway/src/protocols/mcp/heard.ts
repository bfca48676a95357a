import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { actionOfMethod } from './actions.ts';
import { idsOf } from './given-ids.ts';
import { inputRequests, type Message, parseServerBody, type RequestId, type Result } from './messages.ts';
import { revisionIn } from './revision.ts';
import { readToolList, type ToolList } from './tool-definitions.ts';

/** The outcome of a request. `unread`: its answer was too long, was cut off or could not be understood. */
type Outcome = 'result' | 'error' | 'tool_error' | 'input_required' | 'unread' | 'none';

/** The parts of a request that are needed to read its answer. */
export interface AskedRequest {
  readonly id: RequestId;
  readonly method: string;
  /** True if the request asks for the next part of a list. */
  readonly isContinued: boolean;
}

/** The facts of the messages in an answer, as plain data that can go between threads. */
export interface Said {
  outcome: Outcome;
  unread: number;
  toolList: ToolList | null;
  readonly asks: Set<string>;
  readonly facts: Record<string, Attributes[string]>;
  given: string[];
}

/** Adds the facts of the messages in a text. `asked` has the requests by the text of their ids. */
export function hearText(said: Said, asked: ReadonlyMap<string, AskedRequest>, text: string): void {
  try {
    for (const message of parseServerBody(text).messages) {
      hear(said, asked, message);
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    said.unread += 1;
  }
}

function hear(said: Said, asked: ReadonlyMap<string, AskedRequest>, message: Message): void {
  switch (message.kind) {
    case 'request':
      said.asks.add(actionOfMethod(message.method));
      break;
    case 'result':
      hearResult(said, asked, message);
      break;
    case 'failure':
      if (message.id === null || asked.has(message.id.text)) {
        said.outcome = 'error';
        said.facts['rpc.response.status_code'] = String(message.code);
        said.facts['error.type'] = String(message.code);
      }
      break;
    case 'notification':
      break;
    default:
      message satisfies never;
  }
}

function hearResult(said: Said, asked: ReadonlyMap<string, AskedRequest>, { id, result }: Result): void {
  said.given.push(...idsOf(result));
  const request = asked.get(id.text);
  // A stream may also bring an answer that an earlier stream lost.
  if (Array.isArray(result['tools']) && (request === undefined || request.method === 'tools/list')) {
    const isWhole = request !== undefined && !request.isContinued && result['nextCursor'] === undefined;
    said.toolList = readToolList(result['tools'], isWhole);
  }
  for (const each of inputRequests(result)) {
    said.asks.add(actionOfMethod(each));
  }
  if (request === undefined) {
    return;
  }
  const isToolError = result['isError'] === true;
  said.outcome = isToolError ? 'tool_error' : result['resultType'] === 'input_required' ? 'input_required' : 'result';
  if (isToolError) {
    said.facts['error.type'] = 'tool_error';
  }
  const revision = request.method === 'initialize' ? revisionIn(result) : null;
  if (revision !== null) {
    said.facts['mcp.protocol.version'] = revision;
  }
}
