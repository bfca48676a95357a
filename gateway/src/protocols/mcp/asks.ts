import { readEffects } from '../../domain/effects.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Frame } from '../../content/frame.ts';
import type { Problem } from '../../exchange/problem.ts';
import type { Ask, AskingFrame, OwnRequest, Refusal, RequestHead, ResponseHead } from '../../exchange/reading.ts';
import { shortBytes, type TakeElsewhere } from '../../exchange/step.ts';
import { formOf } from './answer-form.ts';
import { readPiece, step, unreadPiece, type ReadPiece } from './asks-step.ts';
import { failureJson } from './failures.ts';
import { oldTransport } from './old-transport.ts';
import type { RequestId } from './messages.ts';

const refusesAll = (): Refusal => ({ toClient: null, toTarget: [] });

/** Makes the bytes that replace a frame. `failure` is the error for the request that the frame answers; null if it answers none. */
type Replace = (failure: string | null) => Buffer;

/**
 * Lists the server's requests to the client in a frame of the answer to `request`: requests, and results that ask for input. A frame that cannot be read here,
 * but that a client might read, counts as an unknown request.
 */
export function asksOf(request: RequestHead, frame: Frame, head: ResponseHead): AskingFrame | null {
  switch (frame.is) {
    case 'event':
    case 'unended':
      if (frame.event?.type === 'endpoint' && request.method === 'GET') {
        throw oldTransport();
      }
      return (frame.event?.data ?? '') === '' ? null : asksIn(request, Buffer.from(frame.event?.data ?? ''), { mayBeMessage: true, replace: eventOf });
    case 'whole':
      // A refusal ends the whole answer.
      return asksIn(request, frame.bytes, { mayBeMessage: formOf(head) === 'json', replace: null });
    case 'long':
    case 'damaged':
      return { asks: unreadPiece.actions.map((action) => ({ action, content: Buffer.alloc(0) })), refused: refusesAll };
    case 'message':
    case 'document':
    case 'other':
    case 'rest':
      return null;
    default:
      return frame satisfies never;
  }
}

function eventOf(failure: string | null): Buffer {
  return Buffer.from(failure === null ? '' : `event: message\ndata: ${failure}\n\n`);
}

/** Finds the requests in a message. If `replace` is null, a refusal ends the whole answer. */
function asksIn(
  request: RequestHead,
  data: Buffer,
  { mayBeMessage, replace }: { readonly mayBeMessage: boolean; readonly replace: Replace | null },
): AskingFrame | null {
  const isShort = data.length <= shortBytes;
  let read: ReadPiece = isShort ? readPiece(data, mayBeMessage) : unreadPiece;
  const asks = (): Ask[] => read.actions.map((action) => ({ action, content: data }));
  if (isShort && read.actions.length === 0) {
    return null;
  }
  const refused = (problem: Problem): Refusal => {
    const failure = read.answered === null ? null : failureJson(problem, read.answered);
    return { toClient: replace?.(failure) ?? null, toTarget: read.requests.map((id) => answerTo(request, id, problem)) };
  };
  const readLong = async (take: TakeElsewhere): Promise<Ask[]> => {
    try {
      read = await take(step, { body: data, mayBeMessage });
    } catch (error) {
      // A message that takes too much to read counts as an unknown request.
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    }
    return asks();
  };
  return { asks: isShort ? asks() : readLong, refused };
}

/** Makes the error with which the server is told that its client is not asked. */
function answerTo(request: RequestHead, id: RequestId, problem: Problem): OwnRequest {
  const kept = request.headers.filter(([name]) => name === 'mcp-session-id' || name === 'mcp-protocol-version');
  const headers = [['content-type', 'application/json'], ['accept', 'application/json, text/event-stream'], ...kept] as const;
  return {
    head: { method: 'POST', path: request.path, headers },
    body: Buffer.from(failureJson(problem, id)),
    action: { name: 'mcp.answer', attributes: { 'jsonrpc.request.id': id.text, [ownAttributes.effects]: readEffects } },
  };
}
