import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallReceiver, UpstreamCall } from '../../domain/call.ts';
import type { ClientResponse } from '../exchange.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Channel } from '../../domain/channel.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { AnswerFacts } from './answer-facts.ts';
import { endBody, flushHead, isAnswerStatus, writeBody, writeHead, writeInformation, writeTrailers, type ClientHead } from '../client-response.ts';
import { composeResponseHead } from '../head.ts';
import { endToEndBodiless, endToEndResponse, endToEndResponseTrailers, pairHeaders } from '../headers.ts';
import type { DirectUrls } from './own-urls.ts';
import type { AnswerReader, Headers, ResponseHead } from '../reading.ts';
import { turnBytesMax, type TakeElsewhere } from '../step.ts';
import { eventBytesMax } from '../target/http-options.ts';

/** Most answers of status 1xx to one request. */
const informationsMax = 32;
const noContent = 204;
/** An answer of at most this many bytes is in one record together with its head, however long the head is. */
const oneRecordBytes = 512 * 1024;

export interface AnswerParts {
  readonly channel: Channel;
  readonly response: ClientResponse;
  /** Sequence number of the request's record. */
  readonly request: number;
  /** The gateway's own headers. */
  readonly ownHeaders: Headers;
  readonly reader: AnswerReader;
  readonly direct: DirectUrls;
  readonly take: TakeElsewhere;
  /** Returns attributes for the record of the head, which say what the gateway changed in it. */
  readonly headFacts: () => Attributes;
  readonly onUpgrade: (answered: Headers, upstream: Upstream) => void;
  readonly onError: (error: unknown) => void;
}

/** Bytes, with or without the head, that are released together. They are already recorded. */
interface Piece {
  readonly head: ClientHead | null;
  readonly bytes: Uint8Array;
  readonly trailers: Headers;
  readonly isLast: boolean;
  /** True if the answer is between two events after this piece. */
  readonly isBetweenEvents: boolean;
}

/**
 * The state of an answer. `open`: more may come. `arrived`: all of it has arrived, and its facts are still being found. `ended`: its last record is made.
 * `stopped`: nothing more is recorded or released.
 *
 *     open ── onEnd ──▶ arrived ── its facts are known ──▶ ended
 *       └─────────────────┴───────── stop ─────────────────┴──▶ stopped
 */
type Phase = 'open' | 'arrived' | 'ended' | 'stopped';

/**
 * Brings an answer to the client. All bytes that arrive together are one record, which is committed before they are released. More is read only while the
 * client takes the answer.
 */
export class AnswerRelay implements CallReceiver {
  readonly #parts: AnswerParts;
  readonly #facts: AnswerFacts;
  readonly #startedMs = performance.now();
  #call: UpstreamCall | null = null;
  #head: ClientHead | null = null;
  #isHeadRecorded = false;
  /** True if the released bytes end with a whole event. `#isRecordedWhole` says the same about the recorded bytes. */
  #isReleasedWhole = false;
  #isRecordedWhole = false;
  /** Bytes that arrived and were not read yet. */
  #arrived: Buffer[] = [];
  /** Bytes that were read and not yet recorded. */
  #read: Buffer = Buffer.alloc(0);
  #trailers: Headers = [];
  #isFlushDue = false;
  #phase: Phase = 'open';
  #isPaused = false;
  #uncommittedBytes = 0;
  #headMs: number | null = null;
  #bodyMs: number | null = null;
  #informations = 0;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    const { reader, direct, take } = parts;
    this.#facts = new AnswerFacts({ reader, direct, take, encodedBytesMax: eventBytesMax(parts.channel.target) });
    parts.response.on('drain', this.#balance);
  }

  /** Sets the call to which this answer belongs. */
  attach(call: UpstreamCall): void {
    this.#call = call;
  }

  /** True if an answer has begun to be released. */
  get hasBegun(): boolean {
    return this.#parts.response.headersSent;
  }

  /** The head of the answer, if another event may be appended to what was released and recorded of it; otherwise null. */
  get openHead(): ResponseHead | null {
    return this.#isReleasedWhole && this.#isRecordedWhole ? this.#head : null;
  }

  /** Stops: nothing more is recorded or released. */
  stop(): void {
    this.#phase = 'stopped';
  }

  /** Completes the facts of an answer that is cut off. Resolves when they are complete. Null: they are complete at once. */
  finishFacts(): Promise<void> | null {
    return this.#facts.finish();
  }

  /** Returns the facts of the answer as far as it came. */
  facts(): Attributes {
    return { ...this.#facts.facts(), ...this.#measures() };
  }

  /** Assigns ids that the target gave in the bytes read so far to this client, before the client gets these bytes. */
  give(): void {
    const given = this.#facts.given();
    if (given !== null && given.ids.length > 0) {
      this.#parts.channel.give(given);
    }
  }

  onInformation({ status, statusText, rawHeaders }: AnsweredHead): void {
    this.#guard(() => {
      this.#informations += 1;
      if (this.#informations > informationsMax) {
        throw new GatewayError('target_unreachable', `The target sent more than ${informationsMax} informational answers (1xx).`);
      }
      const { channel, request, response } = this.#parts;
      const headers = endToEndBodiless(pairHeaders(rawHeaders));
      const attributes = { 'http.response.status_code': status };
      channel.record('response', { request, attributes }, [composeResponseHead(status, statusText, headers)], true);
      channel.whenCommitted(() => {
        this.#guard(() => {
          writeInformation(response, { status, statusText, headers });
        });
      });
    });
  }

  onHead({ status, statusText, rawHeaders }: AnsweredHead): void {
    this.#guard(() => {
      if (!isAnswerStatus(this.#parts.response, status)) {
        throw new GatewayError('target_unreachable', `The target answered with the status ${status}, which is not that of a final answer.`);
      }
      const answered = pairHeaders(rawHeaders);
      const headers = status === noContent ? endToEndBodiless(answered) : endToEndResponse(answered);
      this.#headMs = performance.now() - this.#startedMs;
      this.#head = { status, statusText, headers };
      this.#facts.head({ status, headers });
      this.#scheduleFlush();
    });
  }

  onUpgrade({ rawHeaders }: AnsweredHead, upstream: Upstream): void {
    if (this.#phase === 'stopped') {
      upstream.destroy();
    }
    this.#guard(() => {
      this.#parts.onUpgrade(pairHeaders(rawHeaders), upstream);
    });
  }

  onBytes(bytes: Buffer): void {
    this.#guard(() => {
      this.#bodyMs ??= performance.now() - this.#startedMs;
      this.#arrived.push(bytes);
      this.#scheduleFlush();
    });
  }

  onEnd(trailers: readonly string[]): void {
    this.#guard(() => {
      this.#phase = 'arrived';
      this.#trailers = endToEndResponseTrailers(pairHeaders(trailers));
      this.#finish();
    });
  }

  /** Reads all that has arrived, and then ends the answer. If much has arrived, this takes several turns of the event loop. */
  #finish(): void {
    this.#guard(() => {
      this.#readArrived();
      if (this.#arrived.length > 0) {
        this.#flush();
        setImmediate(() => {
          this.#finish();
        });
        return;
      }
      const reading = this.#facts.finish();
      if (reading === null) {
        this.#end();
      } else {
        void this.#endAfter(reading);
      }
    });
  }

  onError(error: GatewayError): void {
    this.#parts.onError(error);
  }

  onDrain(): void {
    this.drained?.();
  }

  /** Called when the call can take more bytes. The sender of the request sets it while it waits. */
  drained: (() => void) | null = null;

  #guard(act: () => void): void {
    if (this.#phase === 'stopped') {
      return;
    }
    try {
      act();
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  /** Releases the last piece after a reading has ended, because the reading may find ids that the answer gives. */
  async #endAfter(reading: Promise<void>): Promise<void> {
    try {
      await reading;
    } catch (bug) {
      this.#parts.onError(bug);
      return;
    }
    this.#guard(() => {
      this.#end();
    });
  }

  #end(): void {
    const { channel, request } = this.#parts;
    this.#phase = 'ended';
    for (const { kind, action, attributes } of this.#facts.notes()) {
      channel.record(kind, { request, action, attributes }, []);
    }
    this.#flush();
  }

  /** Flushes after the parser has told everything about the bytes that arrived in one piece, so that a short answer is one record. */
  #scheduleFlush(): void {
    if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      process.nextTick(this.#flushArrived);
    }
  }

  readonly #flushArrived = (): void => {
    this.#isFlushDue = false;
    this.#guard(() => {
      if (this.#phase === 'open') {
        this.#readArrived();
        this.#flush();
        if (this.#arrived.length > 0) {
          this.#isFlushDue = true;
          setImmediate(this.#flushArrived);
        }
      }
    });
  };

  /** Joins all pieces that arrived into one, so that many small pieces cost no more than one from here on (ATTACKS D33). */
  #readArrived(): void {
    const [only] = this.#arrived;
    const arrived = this.#arrived.length === 1 && only !== undefined ? only : Buffer.concat(this.#arrived);
    this.#read = arrived.subarray(0, turnBytesMax);
    this.#arrived = arrived.length > turnBytesMax ? [arrived.subarray(turnBytesMax)] : [];
    if (this.#read.length > 0) {
      this.#facts.bytes(this.#read);
    }
  }

  #flush(): void {
    const { channel, request } = this.#parts;
    this.give();
    const head = this.#isHeadRecorded ? null : this.#head;
    const bytes = this.#read;
    const isLast = this.#phase === 'ended';
    this.#read = Buffer.alloc(0);
    this.#isHeadRecorded = true;
    const headFacts: Attributes = head === null ? {} : { 'http.response.status_code': head.status, ...this.#parts.headFacts() };
    const facts: Attributes = isLast ? { ...this.facts(), ...trailersAttribute(this.#trailers) } : {};
    const recordedHead = head === null ? [] : [composeResponseHead(head.status, head.statusText, head.headers)];
    if (isLast && bytes.length > oneRecordBytes) {
      // An answer in several records has its facts in the last one, like any answer.
      const end = bytes.length - oneRecordBytes;
      channel.record('response', { request, attributes: headFacts }, [...recordedHead, bytes.subarray(0, end)], true);
      channel.record('response', { request, attributes: facts }, [bytes.subarray(end)]);
    } else {
      channel.record('response', { request, attributes: { ...headFacts, ...facts } }, [...recordedHead, bytes], !isLast);
    }
    this.#uncommittedBytes += bytes.length;
    const isBetweenEvents = !isLast && this.#facts.isBetweenEvents;
    this.#isRecordedWhole = isBetweenEvents;
    const piece: Piece = { head, bytes, trailers: this.#trailers, isLast, isBetweenEvents };
    channel.whenCommitted(() => {
      this.#uncommittedBytes -= bytes.length;
      this.#guard(() => {
        this.#release(piece);
      });
    });
    this.#balance();
  }

  #release({ head, bytes, trailers, isLast, isBetweenEvents }: Piece): void {
    const { response, ownHeaders } = this.#parts;
    this.#isReleasedWhole = isBetweenEvents;
    if (head !== null) {
      response.sendDate = false;
      writeHead(response, { ...head, headers: [...head.headers, ...ownHeaders] });
    }
    if (isLast) {
      if (trailers.length > 0) {
        writeTrailers(response, trailers);
      }
      endBody(response, bytes);
    } else if (bytes.length > 0) {
      writeBody(response, bytes);
    } else if (head !== null) {
      flushHead(response);
    }
    this.#balance();
  }

  readonly #balance = (): void => {
    const { channel, response } = this.#parts;
    const max = channel.limits.queuedBytesMax;
    const isFull = this.#uncommittedBytes > max || response.writableLength > max;
    if (isFull !== this.#isPaused && this.#phase !== 'stopped') {
      this.#isPaused = isFull;
      if (isFull) {
        this.#call?.pause();
      } else {
        this.#call?.resume();
      }
    }
  };

  #measures(): Attributes {
    return {
      [ownAttributes.durationMs]: Math.round(performance.now() - this.#startedMs),
      ...(this.#headMs === null ? {} : this.#facts.timeToFirst(this.#headMs, this.#bodyMs)),
    };
  }
}

export function trailersAttribute(trailers: Headers): Attributes {
  return trailers.length === 0 ? {} : { [ownAttributes.httpTrailers]: trailers.map(([name, value]) => `${name}: ${value}`) };
}
