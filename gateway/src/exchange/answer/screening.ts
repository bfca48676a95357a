import { GatewayError } from '../../domain/errors.ts';
import { refusalOf } from '../../domain/decision.ts';
import type { AnsweredHead, CallHead, CallReceiver, UpstreamCall } from '../../domain/call.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { problemOf, type Problem } from '../problem.ts';
import type { Channel } from '../../domain/channel.ts';
import { untilCommitted } from '../../wire/until-committed.ts';
import { composeRequestHead, composeResponseHead } from '../head.ts';
import { pairHeaders } from '../headers.ts';
import { eventBytesMax } from '../target/http-options.ts';
import { PassedAnswer } from './answer-stage.ts';
import type { Frame } from '../../content/frame.ts';
import type { Framer } from '../../content/framer.ts';
import type { AnswerReading, AskingFrame, Headers, OwnRequest, RequestHead, ResponseHead } from '../reading.ts';
import type { TakeElsewhere } from '../step.ts';

/** Most bytes that wait for the decision on earlier ones, in addition to the target's `eventBytesMax`. */
const waitingBytesMax = 16 * 1024 * 1024;
/** The target must accept an answer of the gateway within this time in ms. */
const ownCallMs = 10_000;

export interface ScreeningParts {
  readonly channel: Channel;
  /** Sequence number of the request's record. */
  readonly request: number;
  readonly reading: AnswerReading;
  readonly take: TakeElsewhere;
  /** Begins a call to the same target. */
  readonly begin: (receiver: CallReceiver) => UpstreamCall;
  readonly compose: (head: RequestHead, framing: Headers) => CallHead;
}

/** A frame with what the target asks in it. Null: nothing. */
interface Screened {
  readonly bytes: Buffer;
  readonly asking: AskingFrame | null;
}

/**
 * Screens an answer in which the target may ask something of the client. Each such request is decided on and recorded before the client gets it. If it is
 * denied, the gateway answers it to the target.
 */
export class Screening extends PassedAnswer {
  readonly #parts: ScreeningParts;
  #head: AnsweredHead | null = null;
  #answered: ResponseHead = { status: 0, headers: [] };
  #framer: Framer | null = null;
  /** Resolves when everything that came so far is decided on. */
  #deciding: Promise<void> | null = null;
  #waitingBytes = 0;
  #isEnded = false;
  readonly #ownCalls = new Set<Promise<void>>();

  constructor(parts: ScreeningParts, next: CallReceiver) {
    super(next);
    this.#parts = parts;
  }

  /** Resolves when the target has taken the gateway's answers. */
  async settled(): Promise<void> {
    await Promise.all(this.#ownCalls);
  }

  override onHead(head: AnsweredHead): void {
    const { reading } = this.#parts;
    this.#head = head;
    this.#guard(() => {
      this.#answered = { status: head.status, headers: pairHeaders(head.rawHeaders) };
      this.#framer = reading.framer(this.#answered);
      if (this.#framer?.isStream === true) {
        this.#releaseHead();
      }
    });
  }

  override onBytes(bytes: Buffer): void {
    this.#guard(() => {
      this.#take(this.#framer?.push(bytes) ?? [{ is: 'other', bytes }], null);
    });
  }

  override onEnd(trailers: readonly string[]): void {
    this.#guard(() => {
      this.#take(this.#framer?.end() ?? [], trailers);
    });
  }

  override onError(error: GatewayError): void {
    this.#isEnded = true;
    super.onError(error);
  }

  /** Takes frames of the answer in order. If `trailers` is not null, these are the last ones. */
  #take(frames: readonly Frame[], trailers: readonly string[] | null): void {
    const pieces = frames.map((frame): Screened => ({ bytes: frame.bytes, asking: this.#parts.reading.asks?.(frame, this.#answered) ?? null }));
    if (this.#deciding === null && pieces.every(({ asking }) => asking === null)) {
      pieces.forEach(({ bytes }) => {
        this.#release(bytes);
      });
      this.#finish(trailers);
      return;
    }
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0);
    this.#waitingBytes += bytes;
    if (this.#waitingBytes > waitingBytesMax + eventBytesMax(this.#parts.channel.target)) {
      throw new GatewayError('target_unreachable', 'The answer is longer than the limit of what is held while it is decided on.');
    }
    const deciding = this.#decideAll(this.#deciding, pieces, trailers).finally(() => {
      this.#waitingBytes -= bytes;
      this.#deciding = this.#deciding === deciding ? null : this.#deciding;
    });
    this.#deciding = deciding;
  }

  async #decideAll(before: Promise<void> | null, pieces: readonly Screened[], trailers: readonly string[] | null): Promise<void> {
    await before;
    try {
      for (const { bytes, asking } of pieces) {
        const problem = asking === null ? null : await this.#refusalOf(asking);
        if (asking === null || problem === null) {
          this.#release(bytes);
        } else {
          this.#refuse(asking, problem);
        }
      }
      this.#finish(trailers);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Decides on the requests of the target in a frame. Returns the reason of a denial; null if all are allowed. */
  async #refusalOf({ asks }: AskingFrame): Promise<Problem | null> {
    const { channel, request, take } = this.#parts;
    let refusal: Problem | null = null;
    for (const { action, content } of typeof asks === 'function' ? await asks(take) : asks) {
      const attributes = { ...action.attributes, [ownAttributes.askedWithin]: request };
      const { grant, decision } = await channel.request({ ...action, attributes }, [content]);
      refusal = grant === null ? problemOf(refusalOf(decision), channel.session) : refusal;
    }
    return refusal;
  }

  #refuse({ refused }: AskingFrame, problem: Problem): void {
    const { toClient, toTarget } = refused(problem);
    for (const own of this.#isEnded ? [] : toTarget) {
      const call = this.#answerTarget(own).catch((error: unknown) => {
        this.#fail(error);
      });
      this.#ownCalls.add(call);
      void call.finally(() => this.#ownCalls.delete(call));
    }
    if (toClient === null) {
      throw new GatewayError('refused', problem.detail);
    }
    this.#release(toClient);
  }

  /** Sends the gateway's own request to the target, and records it. */
  async #answerTarget({ head, body, action }: OwnRequest): Promise<void> {
    const { channel, begin, compose } = this.#parts;
    const sent = composeRequestHead(compose(head, [['content-length', String(body.length)]]));
    const { grant, seq } = await channel.request(action, [sent, body], { byGateway: true });
    await untilCommitted(channel);
    if (grant === null) {
      return;
    }
    const answered = Promise.withResolvers<void>();
    const call = begin(recordedAnswer(channel, seq, answered.resolve));
    const limit = AbortSignal.any([channel.signal, AbortSignal.timeout(ownCallMs)]);
    limit.addEventListener(
      'abort',
      () => {
        answered.resolve();
      },
      { once: true },
    );
    call.forward(grant);
    call.end();
    await answered.promise;
    call.destroy();
  }

  #releaseHead(): void {
    if (this.#head !== null) {
      const { rawHeaders } = this.#head;
      // Parts of a stream may be left out, so its announced length may be wrong.
      const kept = this.#framer?.isStream === true ? rawHeaders.filter((_, i) => rawHeaders[i - (i % 2)]?.toLowerCase() !== 'content-length') : rawHeaders;
      this.next.onHead({ ...this.#head, rawHeaders: kept });
      this.#head = null;
    }
  }

  #release(bytes: Buffer): void {
    if (!this.#isEnded && bytes.length > 0) {
      this.#releaseHead();
      this.next.onBytes(bytes);
    }
  }

  #finish(trailers: readonly string[] | null): void {
    if (trailers !== null && !this.#isEnded) {
      this.#isEnded = true;
      this.#releaseHead();
      this.next.onEnd(trailers);
    }
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (!this.#isEnded) {
      this.onError(error instanceof GatewayError ? error : new GatewayError('malformed', 'The answer could not be read.', { cause: error }));
    }
  }
}

/** Receives the target's answer to the gateway's own request, and records its status. */
function recordedAnswer(channel: Channel, request: number, done: () => void): CallReceiver {
  const record = (attributes: Readonly<Record<string, string | number>>, content: readonly Uint8Array[]): void => {
    try {
      channel.record('response', { request, attributes }, content);
    } catch (error) {
      // If it cannot be recorded, the channel ends and reports the error itself.
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    } finally {
      done();
    }
  };
  return {
    onInformation: () => undefined,
    onHead: ({ status, statusText, rawHeaders }) => {
      record({ 'http.response.status_code': status }, [composeResponseHead(status, statusText, pairHeaders(rawHeaders))]);
    },
    onUpgrade: (_head, upstream) => {
      upstream.destroy();
      done();
    },
    onBytes: () => undefined,
    onEnd: done,
    onError: (error) => {
      record({ 'error.type': error.code }, []);
    },
    onDrain: () => undefined,
  };
}
