import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead } from '../../domain/call.ts';
import type { ClientHead } from '../client-response.ts';
import { pairHeaders } from '../headers.ts';
import { joinedHeaderOf } from '../reading.ts';
import type { KnownPiece, PieceReceiver } from './answer-piece.ts';
import { HeldAnswer, type HeldBody, type HeldExtent } from './held-answer.ts';

/** The media type of a stream of events. */
export const eventStream = 'text/event-stream';

/**
 * Makes the target's answer the rest of a stream of events that the gateway began while the request was held. Events pass; a JSON document becomes one event;
 * an answer with another status ends the stream with an error, because the client has a status already.
 */
export class BegunAnswer extends HeldAnswer {
  protected override isHeld(head: AnsweredHead): boolean {
    return head.status !== 200 || !typeOf(head).startsWith(eventStream);
  }

  protected override judge({ head, body }: HeldBody, extent: HeldExtent): HeldBody {
    const streamed = { ...head, rawHeaders: ['content-type', eventStream] };
    if (extent === 'cut') {
      return { head: streamed, body: Buffer.alloc(0) };
    }
    if (extent === 'long') {
      throw new GatewayError('limit_exceeded', 'The answer to a request that was held is longer than an event may be.');
    }
    if (head.status !== 200 || !typeOf(head).startsWith('application/json')) {
      throw new GatewayError('target_unreachable', `The target answered the request, which was held, with the status ${head.status} and no JSON.`);
    }
    return { head: streamed, body: eventOf(body.toString()) };
  }
}

/** Writes a message as an event of a stream. */
export function eventOf(json: string): Buffer {
  return Buffer.from(
    `event: message\n${json
      .split(/\r\n|\r|\n/)
      .map((line) => `data: ${line}\n`)
      .join('')}\n`,
  );
}

/** Lets the pieces of an answer pass without its head, which the client has already. */
export function withoutHead(next: PieceReceiver<KnownPiece>): PieceReceiver<KnownPiece> {
  return {
    onInformation: () => undefined,
    onPiece: (piece) => {
      next.onPiece({ ...piece, head: null });
    },
  };
}

/** The head of a stream of events that the gateway itself begins. */
export const begunHead: ClientHead = {
  status: 200,
  statusText: 'OK',
  headers: [
    ['content-type', eventStream],
    ['cache-control', 'no-cache'],
  ],
};

function typeOf({ rawHeaders }: AnsweredHead): string {
  return joinedHeaderOf(pairHeaders(rawHeaders), 'content-type').trim().toLowerCase();
}
