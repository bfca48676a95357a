import { errorCodes, GatewayError } from '../../domain/errors.ts';
import type { CallReceiver, UpstreamCall } from '../../domain/call.ts';
import type { Grant } from '../../domain/grant.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { AnswerPiece, Asked, ExchangeReplay, RecordedRequest, RecordedTarget } from '../../domain/replay.ts';
import type { Headers } from '../reading.ts';
import { readRecordedHead } from './recorded-http.ts';
import { type Change, requestDifference, requestKey } from './request-key.ts';

/** A protocol's rules for finding a recorded exchange and giving its answer again. */
export interface ReplayRules {
  readonly change?: Change;
  /** Returns an adapter that puts parts of the present request into the recorded answer; null if the answer fits as it is. */
  readonly adapt?: (recorded: Buffer, asked: Buffer) => AnswerAdapter | null;
}

/** Changes one recorded answer so that it fits the present request. */
export interface AnswerAdapter {
  head(headers: Headers): Headers;
  /** Takes the next piece of the answer's body and returns the bytes that can be released now. */
  piece(bytes: Buffer, isLast: boolean): Buffer;
}

/** Most bytes of a request that is searched for in the recording. */
const requestBytesMax = 64 * 1024 * 1024;
/** The values of `error.type` of an answer that ended because the client left or the run was over. Until then the target had said nothing more. */
const leftOpen: ReadonlySet<string | null> = new Set(['client_closed', 'stopping']);

/** The values of `error.type` of an answer that was cut off. */
const cutBy: ReadonlySet<unknown> = new Set([...errorCodes, ...leftOpen, 'internal']);

/** The replay of recorded exchanges for protocols over HTTP. */
export function replayExchange(rules: ReplayRules): ExchangeReplay {
  return {
    keys:
      () =>
      ({ bytes }) =>
        requestKey(bytes, rules.change),
    differ: requestDifference,
    call: (recorded, receiver, action) => new RecordedCall({ recorded, receiver, action, rules }),
  };
}

interface Parts {
  readonly recorded: RecordedTarget;
  readonly receiver: CallReceiver;
  readonly action: string;
  readonly rules: ReplayRules;
}

/** A call that a recording answers, in the pieces that were recorded. */
class RecordedCall implements UpstreamCall {
  readonly #parts: Parts;
  readonly #asked: Uint8Array[] = [];
  #askedBytes = 0;
  #resume: PromiseWithResolvers<void> | null = null;
  #isOver = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  forward(grant: Grant): void {
    for (const piece of grant.spend()) {
      this.#askedBytes += piece.length;
      if (this.#askedBytes <= requestBytesMax) {
        this.#asked.push(piece);
      }
    }
  }

  end(trailers?: Grant): void {
    if (trailers !== undefined) {
      this.forward(trailers);
    }
    void this.#answer();
  }

  readonly queuedBytes = 0;

  pause(): void {
    this.#resume ??= Promise.withResolvers();
  }

  resume(): void {
    this.#resume?.resolve();
    this.#resume = null;
  }

  destroy(): void {
    this.#isOver = true;
    this.resume();
  }

  async #answer(): Promise<void> {
    const { recorded, receiver, action, rules } = this.#parts;
    const bytes = Buffer.concat(this.#asked);
    const asked = { action, bytes };
    try {
      if (this.#askedBytes > requestBytesMax) {
        throw recorded.miss(`a request of more than ${requestBytesMax} bytes is not looked for`, asked);
      }
      const request = recorded.take(requestKey(bytes, rules.change), asked);
      const adapter = rules.adapt?.(await request.bytes(), bytes) ?? null;
      const end = await this.#give(request, adapter, asked);
      if (!this.#isOver && !leftOpen.has(end)) {
        throw end === null
          ? recorded.miss('its answer is not on record to its end', asked)
          : new GatewayError('target_unreachable', `The recorded answer ends here: ${end}.`);
      }
    } catch (error) {
      if (!this.#isOver) {
        this.#isOver = true;
        receiver.onError(error instanceof GatewayError ? error : new GatewayError('store_damaged', 'The recording cannot be read any more.', { cause: error }));
      }
    }
  }

  /** Gives the recorded answer to the receiver. If the answer is not whole, it returns the `error.type` in its record, or null if there is none. */
  async #give(request: RecordedRequest, adapter: AnswerAdapter | null, asked: Asked): Promise<string | null> {
    const { receiver, recorded } = this.#parts;
    let isHeadGiven = false;
    for await (const piece of request.answer()) {
      await this.#resume?.promise;
      if (this.#isOver) {
        return null;
      }
      const read = isHeadGiven ? null : readRecordedHead(piece.content);
      if (read !== null && read.status < 200) {
        if (read.status === 101) {
          throw recorded.miss('a conversation by WebSocket is not served', asked);
        }
        const { status, statusText, headers } = read;
        receiver.onInformation({ status, statusText, rawHeaders: headers.flat() });
        continue;
      }
      if (read !== null) {
        isHeadGiven = true;
        const { status, statusText } = read;
        const way = piece.attributes[ownAttributes.way];
        const rawHeaders = (adapter?.head(read.headers) ?? read.headers).flat();
        receiver.onHead({ status, statusText, rawHeaders, ...(typeof way === 'string' ? { way } : {}) });
      }
      const body = read?.body ?? (isHeadGiven ? piece.content : Buffer.alloc(0));
      const isLast = isHeadGiven && isWholeAt(piece);
      const given = adapter?.piece(body, isLast) ?? body;
      if (given.length > 0) {
        receiver.onBytes(given);
      }
      if (isLast) {
        this.#isOver = true;
        receiver.onEnd(trailersOf(piece));
        return null;
      }
      if (!piece.continues) {
        const reason = piece.attributes['error.type'];
        return typeof reason === 'string' ? reason : null;
      }
    }
    return null;
  }
}

/**
 * True if the whole answer ends with this record. False for a record without content in which the gateway says why the answer has no end. Answers of the
 * gateway itself are whole, and so are answers that report an error of the target.
 */
function isWholeAt({ continues, attributes, content }: AnswerPiece): boolean {
  return !continues && (content.length > 0 || !cutBy.has(attributes['error.type']));
}

function trailersOf({ attributes }: AnswerPiece): string[] {
  const lines = attributes[ownAttributes.httpTrailers];
  return (Array.isArray(lines) ? lines : []).flatMap((line: string) => {
    const at = line.indexOf(': ');
    return [line.slice(0, at), line.slice(at + 2)];
  });
}
