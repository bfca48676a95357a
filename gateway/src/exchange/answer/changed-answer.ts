import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import { changeText, type Slices, type TextChange } from '../../domain/text-change.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { ChangedFrames } from '../../content/changed-frames.ts';
import { codingOf } from '../../content/codings.ts';
import type { FindParts, KnowMember, TextFrame } from '../../content/text-frame.ts';
import { framerOf, type TextFramer } from '../../content/text-framer.ts';
import { pairHeaders, withoutBodyHeaders, withoutDigests } from '../headers.ts';
import { headerOf, joinedHeaderOf } from '../reading.ts';
import { PassedAnswer } from './answer-stage.ts';

const noContent = 204;
const partialContent = 206;
const notModified = 304;
/** Matches lines that say how an answer is read and kept, as servers write them: such a date or number is no text. */
const ownWords =
  /^(?:(?:content-encoding|transfer-encoding|connection|upgrade|sec-websocket-accept): .*|(?:content-length|age): \d{1,12}|(?:date|last-modified|expires): (?:\w{6,9}|\w{3}), \d\d[ -]\w{3}[ -]\d{2,4} \d\d:\d\d:\d\d GMT)$/i;

export interface ChangedAnswerParts {
  readonly changes: readonly TextChange[];
  /** Most bytes of one frame, and of all frames that wait for others. If there are more, the answer ends with an error. */
  readonly frameBytesMax: number;
  /** Finds texts that come in several pieces. Null: the protocol has none. */
  readonly findParts: FindParts | null;
  /** True if a member of JSON of which a change leaves nothing may be null. */
  readonly takesNull?: boolean;
  /** Says what is known of members of JSON. Absent: nothing is. */
  readonly knowMember?: KnowMember;
  /** True if JSON comes in lines, whatever its media type says. */
  readonly areLines?: boolean;
  /** Runs what happens in a later turn. Absent: it happens in any case. */
  readonly run?: (act: () => void) => void;
  /** Called with the number of bytes that begin to wait while a long frame is changed, and below 0 with those that wait no more. */
  readonly onWaiting?: (bytes: number) => void;
}

/**
 * Changes the texts of an answer before it is relayed: the texts in JSON, in each event of a stream, in each line, or a plain text as a whole. A body in
 * another form, or an encoded body, is refused, because its texts cannot be found. In headers, trailers and the words beside the status, values are masked. Of an answer
 * that has a body, or would have one, digests, signatures and the entity tag are left out; nothing else is changed there. A long frame is changed in several turns of the event
 * loop, and what comes meanwhile waits.
 */
export class ChangedAnswer extends PassedAnswer {
  readonly #parts: ChangedAnswerParts;
  readonly #frames: ChangedFrames;
  readonly #masks: readonly TextChange[];
  #framer: TextFramer | null = null;
  /** The head of an answer whose texts cannot be found. It is released only if the answer has no body. */
  #head: AnsweredHead | null = null;
  /** The acts that wait until a long frame is changed. Null: none is being changed. */
  #later: (() => void)[] | null = null;

  constructor(parts: ChangedAnswerParts, next: CallReceiver) {
    super(next);
    this.#parts = parts;
    this.#masks = parts.changes.filter(({ report, look }) => report !== undefined || look !== undefined);
    this.#frames = new ChangedFrames(parts.changes, parts.frameBytesMax, { namesOnce: true });
  }

  override onInformation(head: AnsweredHead): void {
    super.onInformation(this.#maskHead(head));
  }

  override onUpgrade(head: AnsweredHead, upstream: Upstream): void {
    super.onUpgrade(this.#maskHead(head), upstream);
  }

  override onHead(received: AnsweredHead): void {
    const headers = pairHeaders(received.rawHeaders);
    const masked = this.#maskHead(received);
    if (received.status === noContent || (received.status !== notModified && headerOf(headers, 'content-length') === '0')) {
      this.#head = masked;
      return;
    }
    const head = { ...masked, rawHeaders: withoutDigests(masked.rawHeaders) };
    const coding = codingOf(joinedHeaderOf(headers, 'content-encoding'));
    // The texts of a part of an answer cannot be found, because they may be cut.
    const isWhole = head.status !== partialContent && coding === '';
    const type = joinedHeaderOf(headers, 'content-type');
    // The parts of a form cannot be found by a boundary that is masked.
    const isReadable = !/^\s*multipart/i.test(type) || changeText(this.#masks, type) === type;
    this.#framer = isWhole && isReadable ? framerOf(type, this.#parts) : null;
    if (this.#framer === null) {
      this.#head = head;
    } else {
      this.next.onHead({ ...head, rawHeaders: withoutBodyHeaders(head.rawHeaders) });
    }
  }

  override onBytes(bytes: Buffer): void {
    const { onWaiting } = this.#parts;
    if (this.#later !== null) {
      onWaiting?.(bytes.length);
      this.#later.push(() => {
        onWaiting?.(-bytes.length);
        this.#take(bytes);
      });
    } else {
      this.#take(bytes);
    }
  }

  override onEnd(trailers: readonly string[]): void {
    this.inOrder(() => {
      if (this.#head !== null && !this.isOver) {
        this.next.onHead(this.#head);
      }
      this.#change(() => this.#framer?.end() ?? []);
    });
    this.inOrder(() => {
      this.#change(() => null);
    });
    this.inOrder(() => {
      if (!this.isOver) {
        this.next.onEnd(this.#maskValues(withoutDigests(trailers)));
      }
    });
  }

  /** Ends the answer with an error of the target, behind what came before. */
  override onError(error: GatewayError): void {
    this.inOrder(() => {
      super.onError(error);
    });
  }

  /** Acts once all that came before has gone on. */
  inOrder(act: () => void): void {
    if (this.#later === null) {
      act();
    } else {
      this.#later.push(act);
    }
  }

  /** True while a long frame is being changed. */
  get isWaiting(): boolean {
    return this.#later !== null;
  }

  /** True if the texts of all bytes so far were found, and no frame has begun. */
  get isBetweenFrames(): boolean {
    return this.#later === null && this.#framer?.isBetweenFrames() === true;
  }

  #take(bytes: Buffer): void {
    const framer = this.#framer;
    if (framer !== null) {
      this.#change(() => framer.push(bytes));
    } else if (bytes.length > 0) {
      super.onError(new GatewayError('unsupported', 'Policy changes texts in answers of this target, and no texts can be found in an answer of this form.'));
    }
  }

  #maskHead(head: AnsweredHead): AnsweredHead {
    return this.#masks.length === 0 ? head : { ...head, statusText: changeText(this.#masks, head.statusText), rawHeaders: this.#maskValues(head.rawHeaders) };
  }

  /** Masks the values of headers or trailers, names and values in turn. One whose name holds a value is left out. */
  #maskValues(raw: readonly string[]): readonly string[] {
    return raw.flatMap((name, i) => {
      const value = raw[i + 1] ?? '';
      return i % 2 === 1 || changeText(this.#masks, name) !== name
        ? []
        : [name, ownWords.test(`${name}: ${value}`) ? value : changeText(this.#masks, value, [`=${name}`])];
    });
  }

  /** Releases the bytes of these frames that need not wait. Null: no frame follows. */
  #change(read: () => readonly TextFrame[] | null): void {
    this.#proceed(this.#changed(read));
  }

  *#changed(read: () => readonly TextFrame[] | null): Slices<void> {
    const frames = read();
    const released: Buffer[] = frames === null ? [...this.#frames.end()] : [];
    for (const frame of frames ?? []) {
      released.push(...(yield* this.#frames.pushInSlices(frame)));
    }
    if (released.length > 0) {
      this.next.onBytes(Buffer.concat(released));
    }
  }

  #proceed(work: Slices<void>): void {
    try {
      if (!this.isOver && work.next().done !== true) {
        this.#later ??= [];
        setImmediate(() => {
          const { run = (act: () => void) => act() } = this.#parts;
          run(() => {
            this.#proceed(work);
          });
        });
        return;
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      super.onError(error);
    }
    const later = this.#later ?? [];
    this.#later = null;
    for (const act of later) {
      this.inOrder(act);
    }
  }
}
