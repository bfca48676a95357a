import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attributes } from '../../domain/action.ts';
import type { Channel } from '../../domain/channel.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { codingOf, decodeLater } from '../../content/codings.ts';
import type { Framer } from '../../content/framer.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import type { ClientHead } from '../client-response.ts';
import { headerOf, joinedHeaderOf, type AnswerReading, type Headers, type ResponseHead } from '../reading.ts';
import { turnBytesMax, type TakeElsewhere } from '../step.ts';
import { eventBytesMax } from '../target/http-options.ts';
import type { AnswerGuard } from './answer-guard.ts';
import type { AnswerPiece, KnownPiece, PieceReceiver } from './answer-piece.ts';
import type { DirectUrls } from './own-urls.ts';

export interface AnswerFactsParts {
  readonly channel: Channel;
  readonly reading: AnswerReading;
  readonly direct: DirectUrls;
  /** Returns attributes for the record of the head, which say what the gateway changed in it. */
  readonly headFacts: () => Attributes;
  readonly take: TakeElsewhere;
  readonly guard: AnswerGuard;
  readonly onError: (error: unknown) => void;
}

/**
 * The way in which an answer is read. `plain`: as it comes. `encoded`: its bytes are held, to be decoded at the end; null if they are too many. `finishing`: all
 * has come, and the rest is being read. `read`: its facts are complete. `unread`: it could not be decoded, or not be read.
 *
 *     plain ───┐            ┌──▶ read
 *              ├─ finish ──▶ finishing
 *     encoded ─┘            └──▶ unread
 */
type Phase =
  | { readonly is: 'plain' }
  | { readonly is: 'encoded'; readonly coding: string; readonly held: ByteWriter | null }
  | { readonly is: 'finishing'; readonly reading: Promise<void> }
  | { readonly is: 'read' }
  | { readonly is: 'unread' };

const plain: Phase = { is: 'plain' };
const read: Phase = { is: 'read' };
const unread: Phase = { is: 'unread' };
const noFacts: Attributes = {};

/**
 * Finds the facts of an answer, as the client gets it, and gives them on with its pieces. Ids that the target gives in a piece are known before the piece goes
 * on. Bytes go to the protocol's reading as they come, or, if they are encoded, decoded at the end.
 */
export class AnswerFacts implements PieceReceiver<AnswerPiece> {
  readonly #parts: AnswerFactsParts;
  readonly #next: PieceReceiver<KnownPiece>;
  readonly #startedMs = performance.now();
  #phase: Phase = plain;
  #head: ResponseHead | null = null;
  /** Null: the body is not read. */
  #framer: Framer | null = null;
  #headMs: number | null = null;
  #bodyMs: number | null = null;

  constructor(parts: AnswerFactsParts, next: PieceReceiver<KnownPiece>) {
    this.#parts = parts;
    this.#next = next;
  }

  onInformation(head: ClientHead): void {
    this.#next.onInformation(head);
  }

  onPiece(piece: AnswerPiece): void {
    if (piece.head !== null) {
      this.#readHead(piece.head);
    }
    if (piece.bytes.length > 0) {
      this.#bodyMs ??= performance.now() - this.#startedMs;
      this.#read(piece.bytes);
    }
    const reading = piece.trailers === null ? null : this.finish();
    if (reading === null) {
      this.#passOn(piece);
    } else {
      // The reading may find ids that the answer gives.
      void this.#passOnAfter(reading, piece);
    }
  }

  /** Completes the facts at the end of the bytes that came. Null: they are complete. Rejects only with an error that is a bug. */
  finish(): Promise<void> | null {
    const phase = this.#phase;
    switch (phase.is) {
      case 'plain':
        return this.#awaitReading(this.#readEnd());
      case 'encoded':
        if (phase.held === null) {
          this.#giveUp();
          return null;
        }
        return this.#awaitReading(this.#readDecoded(phase.coding, phase.held.finish()));
      case 'finishing':
        return phase.reading;
      case 'read':
      case 'unread':
        return null;
      default:
        return phase satisfies never;
    }
  }

  /** Returns the facts of the answer as far as it came. */
  facts(): Attributes {
    const { reading, direct } = this.#parts;
    return { ...reading.facts(), ...direct.facts(), ...(this.#phase.is === 'unread' ? { [ownAttributes.isWhole]: false } : {}), ...this.#measures() };
  }

  /** Assigns ids that the target gave in the bytes read so far to this client, before the client gets these bytes. */
  give(): void {
    const given = this.#parts.reading.given?.() ?? null;
    if (given !== null && given.ids.length > 0) {
      this.#parts.channel.give(given);
    }
  }

  async #passOnAfter(reading: Promise<void>, piece: AnswerPiece): Promise<void> {
    try {
      await reading;
    } catch (bug) {
      this.#parts.onError(bug);
      return;
    }
    this.#parts.guard.run(() => {
      this.#passOn(piece);
    });
  }

  #passOn({ head, bytes, trailers }: AnswerPiece): void {
    const { reading, headFacts } = this.#parts;
    const isLast = trailers !== null;
    const notes = isLast ? (reading.notes?.() ?? []) : [];
    this.give();
    this.#next.onPiece({
      head,
      bytes,
      trailers,
      headFacts: head === null ? noFacts : { 'http.response.status_code': head.status, ...headFacts() },
      notes,
      facts: isLast ? { ...this.facts(), ...trailersAttribute(trailers) } : noFacts,
      isBetweenEvents: !isLast && this.#isBetweenEvents,
    });
  }

  get #isBetweenEvents(): boolean {
    const hasLength = headerOf(this.#head?.headers ?? [], 'content-length') !== undefined;
    return this.#phase.is === 'plain' && this.#framer?.isBetweenFrames === true && this.#parts.reading.isOver?.() !== true && !hasLength;
  }

  #readHead({ status, headers }: ClientHead): void {
    const { direct, reading } = this.#parts;
    const head = { status, headers };
    const coding = codingOf(joinedHeaderOf(headers, 'content-encoding'));
    const isPlain = coding === '';
    this.#headMs = performance.now() - this.#startedMs;
    this.#head = head;
    this.#phase = isPlain ? plain : { is: 'encoded', coding, held: new ByteWriter() };
    this.#framer = reading.framer(isPlain ? head : { status, headers: headers.filter(([name]) => name !== 'content-encoding') });
    direct.head(head);
    reading.head(head);
  }

  #read(bytes: Buffer): void {
    const phase = this.#phase;
    if (phase.is !== 'encoded') {
      this.#readPlain(bytes);
    } else if (phase.held !== null && phase.held.length + bytes.length <= eventBytesMax(this.#parts.channel.target)) {
      phase.held.bytes(bytes);
    } else {
      this.#phase = { ...phase, held: null };
    }
  }

  #readPlain(bytes: Buffer): void {
    const { direct, reading } = this.#parts;
    direct.bytes(bytes);
    reading.bytes?.(bytes);
    for (const frame of this.#framer?.push(bytes) ?? []) {
      reading.frame(frame);
    }
  }

  /** Reads the last frame, and what the protocol reads at the end. Null: there is nothing to wait for. */
  #readEnd(): Promise<void> | null {
    const { reading, take } = this.#parts;
    for (const frame of this.#framer?.end() ?? []) {
      reading.frame(frame);
    }
    return reading.finish?.(take) ?? null;
  }

  /** Null: there is nothing to wait for. */
  #awaitReading(reading: Promise<void> | null): Promise<void> | null {
    this.#phase = reading === null ? read : { is: 'finishing', reading: this.#orUnread(reading) };
    return this.#phase.is === 'finishing' ? this.#phase.reading : null;
  }

  /** Waits for a reading. If a limit stops it, or nobody waits for it any more, the facts say that they are incomplete. */
  async #orUnread(reading: Promise<void>): Promise<void> {
    try {
      await reading;
      this.#phase = this.#phase.is === 'unread' ? unread : read;
    } catch (error) {
      this.#giveUp();
      if (!(error instanceof GatewayError) && !(error instanceof DOMException)) {
        throw error;
      }
    }
  }

  /** Marks the facts as incomplete and tells the protocol's reading, because the answer could not be decoded or read. */
  #giveUp(): void {
    this.#phase = unread;
    this.#parts.reading.unreadable?.();
  }

  async #readDecoded(coding: string, encoded: Buffer): Promise<void> {
    const decoded = await decodeLater(coding, encoded);
    if (decoded === null) {
      this.#giveUp();
      return;
    }
    for (let at = 0; at < decoded.length; at += turnBytesMax) {
      this.#readPlain(decoded.subarray(at, at + turnBytesMax));
      await nextTurn();
    }
    await this.#readEnd();
  }

  #measures(): Attributes {
    const { reading } = this.#parts;
    const duration = { [ownAttributes.durationMs]: Math.round(performance.now() - this.#startedMs) };
    if (this.#headMs === null) {
      return duration;
    }
    if (reading.firstBytes === undefined) {
      return { ...duration, [ownAttributes.firstByteMs]: Math.round(this.#headMs) };
    }
    return this.#bodyMs === null ? duration : { ...duration, ...reading.firstBytes(Math.round(this.#bodyMs * 1000) / 1_000_000) };
  }
}

export function trailersAttribute(trailers: Headers): Attributes {
  return trailers.length === 0 ? {} : { [ownAttributes.httpTrailers]: trailers.map(([name, value]) => `${name}: ${value}`) };
}
