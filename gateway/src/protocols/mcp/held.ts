import { answerOf } from '../../domain/approval.ts';
import { GatewayError } from '../../domain/errors.ts';
import { parseExactNumbers } from '../../content/exact-json.ts';
import { decodeUtf8, parseStrictJsonText } from '../../content/strict-json.ts';
import { eventOf, eventStream } from '../../exchange/answer/begun-answer.ts';
import { joinedHeaderOf, type HeldForms, type RequestHead } from '../../exchange/reading.ts';
import { shortBytes } from '../../exchange/step.ts';
import { isObject, type Body } from './messages.ts';
import type { Revision } from './revision.ts';

/** The facts about a request by which its client can be told that it is held, as plain data. */
export interface HeldFacts {
  /** The token by which the client knows notifications of progress, as JSON. Absent: it takes none. */
  readonly progressToken?: string;
  /** True if the answer may be `input_required`, and the request can then be sent again as it was. */
  readonly canAskAgain: boolean;
}

/** The member of `_meta` that says what became of the approval. */
const approvalMember = 'countersign/approval';
/** The member of a request in which a client repeats what the answer `input_required` had. */
const stateMember = 'requestState';
/** The beginning of the gateway's own `requestState`. It only marks what the gateway takes out of the request that is sent again: the approval is found by the request itself. */
const stateMark = 'countersign/held ';
/** The requests that may be answered with `input_required`. https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr */
const askAgainMethods: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** Returns how the client of a request can be told that it is held. */
export function heldFacts({ headers }: RequestHead, { messages: [message], isBatch }: Body, { isStateless }: Revision, length: number): HeldFacts {
  // The session that `initialize` begins is named in a header of its answer, so that answer cannot begin before the target's.
  if (isBatch || message?.kind !== 'request' || message.method === 'initialize') {
    return { canAskAgain: false };
  }
  const { params, method } = message;
  const meta = params['_meta'];
  const token = isObject(meta) ? meta['progressToken'] : undefined;
  const isToken = typeof token === 'string' || (typeof token === 'number' && Number.isSafeInteger(token));
  // A client that answers `input_required` of the server does not repeat its answers if it is asked again without questions.
  const isFirst = params['inputResponses'] === undefined && params[stateMember] === undefined;
  return {
    ...(isToken && joinedHeaderOf(headers, 'accept').toLowerCase().includes(eventStream) ? { progressToken: JSON.stringify(token) } : {}),
    canAskAgain: isStateless && isFirst && askAgainMethods.has(method) && length <= shortBytes,
  };
}

/** Returns the forms for the client of a held request. `id`: the id of the request as JSON. */
export function heldForms({ progressToken, canAskAgain }: HeldFacts, id: string | undefined): HeldForms {
  return {
    ...(progressToken === undefined
      ? {}
      : {
          event: ({ approval, words }, told) => {
            // Progress must increase with each notification. These are below zero, so that the server's own notifications may begin at zero.
            const about = { progress: -1 / (told + 1), message: `countersign: ${words}`, _meta: { [approvalMember]: answerOf(approval, 'waiting') } };
            return eventOf(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${progressToken},${JSON.stringify(about).slice(1)}}`);
          },
        }),
    ...(canAskAgain && id !== undefined
      ? {
          again: ({ approval, state, next }) => {
            const result = { resultType: 'input_required', [stateMember]: `${stateMark}${approval}`, _meta: { [approvalMember]: { approval, state, next } } };
            return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`;
          },
        }
      : {}),
  };
}

/** Returns the body of a request without the gateway's own `requestState`; null if it has none. Then the request is the one that was held. */
export function withoutHeldState(body: Buffer): Buffer | null {
  if (!body.includes(stateMark)) {
    return null;
  }
  try {
    const text = decodeUtf8(body);
    // This call also refuses what parsers read differently.
    parseStrictJsonText(text);
    const message = parseExactNumbers(text);
    if (!isObject(message) || !isObject(message['params'])) {
      return null;
    }
    const { [stateMember]: state, ...params } = message['params'];
    return typeof state === 'string' && state.startsWith(stateMark) ? Buffer.from(JSON.stringify({ ...message, params })) : null;
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}
