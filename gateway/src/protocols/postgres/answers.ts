import { sliceUnits, type Slices, type TextChange } from '../../domain/text-change.ts';
import type { ResponseOutput } from '../../wire/relay.ts';
import { AnswerOutput } from './answer-output.ts';
import type { AnswerStage } from './answer-stage.ts';
import { AnswerState } from './answer-state.ts';
import { ChangedMessages } from './changed-messages.ts';
import { frameHeaderBytes, frameLength } from './codec.ts';
import { LookedMessages } from './looked-messages.ts';
import type { Conversation } from './conversation.ts';
import type { Found } from './guard/catalogue.ts';
import { comesUnasked, concernsTexts } from './text-message.ts';

const unchanged: readonly TextChange[] = [];
/** Most bytes of short messages whose texts are changed or looked at in one turn. */
const turnBytesMax = 2 * sliceUnits;

export interface AnswersOptions {
  readonly emit: (output: ResponseOutput) => void;
  readonly nowMs: () => number;
  /** Called with the name of the client's application when the target reports it. */
  readonly onApplicationName: (name: string) => void;
  /** The `client_encoding` after the login. */
  readonly encoding: string;
  /** Most bytes of a row that is held whole because its texts are changed. */
  readonly heldBytesMax: number;
  /** Returns what the catalogue of the target knows of a type. */
  readonly typeOf: (oid: number) => Found | undefined;
}

/**
 * Cuts what the target sends into messages, and gives each to the stages that it needs. Bodies are skipped: rows of any size pass through, and no part of a
 * message that has begun is held.
 *
 *     chunk ─▶ message ─┬─ nothing changes it ──────────────────┬─▶ AnswerState ─▶ AnswerOutput ─▶ one output for each request
 *                       ├─ its texts change ─▶ ChangedMessages ─┤
 *                       └─ its texts are looked at ─▶ LookedMessages, and then one of those
 */
export class Answers {
  readonly #conversation: Conversation;
  readonly #output: AnswerOutput;
  readonly #state: AnswerState;
  readonly #changed: ChangedMessages;
  readonly #looked: LookedMessages;
  /** The newest changes, of which some only look. */
  #split: { readonly of: readonly TextChange[]; readonly looks: readonly TextChange[]; readonly masks: readonly TextChange[] } = splitOf(unchanged);
  /** The first stage of the message that is being read, and its missing bytes. */
  #stage: AnswerStage;
  #leftBytes = 0;
  /** The first bytes of a message that cannot begin yet, of which the first piece has its type and length if they came. They are not released. */
  #head: Buffer[] = [];
  #headBytes = 0;
  /** True if the chunk that is being read began within a message. */
  #beganCut = false;
  /** The chunks that came and are not read. */
  readonly #waiting: Buffer[] = [];
  /** Reads them. Null: all are read. */
  #reading: Slices<void> | null = null;
  /** The work that is left of the message that began last. */
  #work: Slices<void> | null = null;

  constructor(conversation: Conversation, { emit, nowMs, onApplicationName, encoding, heldBytesMax, typeOf }: AnswersOptions) {
    this.#conversation = conversation;
    this.#output = new AnswerOutput(encoding, emit);
    this.#state = new AnswerState(conversation, this.#output, { nowMs, onApplicationName });
    this.#changed = new ChangedMessages(this.#state, { conversation, heldBytesMax, typeOf });
    this.#looked = new LookedMessages(this.#state, { conversation, heldBytesMax, typeOf });
    this.#stage = this.#state;
  }

  /** The `client_encoding` that the target reported last. */
  get encoding(): string {
    return this.#output.encoding;
  }

  /** True if the client got a part of a message and not the rest: then nothing else can be sent to it. */
  get isMidFrame(): boolean {
    return this.#leftBytes > 0 && !this.#state.isSwallowing;
  }

  /** True if the client may have had only a part of a message when one of the last outputs was released. */
  get hasCutFrames(): boolean {
    return this.#output.isCut || this.#beganCut;
  }

  /** True while bytes that came are not read: `proceed` reads the next slice of them. */
  get isBusy(): boolean {
    return this.#reading !== null;
  }

  /** Takes the next bytes of the target. Throws GatewayError `malformed`, `unsupported` or `limit_exceeded`. */
  bytes(chunk: Buffer): void {
    this.#waiting.push(chunk);
    if (this.#reading === null) {
      this.#reading = this.#read();
      this.proceed();
    }
  }

  /** Does the next slice of the work that is left. Throws as `bytes` does. */
  proceed(): void {
    const reading = this.#reading;
    this.#reading = null;
    if (reading?.next().done === false) {
      this.#reading = reading;
    }
  }

  /** Drops all that was not read. */
  stop(): void {
    this.#reading = null;
    this.#waiting.length = 0;
  }

  *#read(): Slices<void> {
    for (let chunk = this.#waiting.shift(); chunk !== undefined; chunk = this.#waiting.shift()) {
      this.#beganCut = this.isMidFrame;
      this.#output.begin(this.#beganCut ? this.#leftBytes : 0);
      try {
        yield* this.#readChunk(chunk);
      } finally {
        // This happens even after an invalid message, because the messages before it are for the client.
        this.#flush();
      }
    }
  }

  /** Reads a chunk. Before each pause, what was read is given out. */
  *#readChunk(chunk: Buffer): Slices<void> {
    let turnAt = 0;
    for (let at = 0; at < chunk.length;) {
      at = this.#leftBytes > 0 ? this.#rest(chunk, at) : this.#begin(chunk, at);
      turnAt = this.#stage === this.#state ? at : turnAt;
      while (this.#work !== null || at - turnAt > turnBytesMax) {
        this.#flush();
        yield;
        turnAt = at;
        this.#work = this.#work?.next().done === false ? this.#work : null;
      }
    }
  }

  #flush(): void {
    this.#output.flush(this.#conversation.current?.seq, this.isMidFrame, this.#state.partFacts);
  }

  /** Notes that a request was sent. If nothing will answer it, it is over at once. */
  sent(): void {
    this.#state.finishComplete();
  }

  /** Gives on bytes of the message that is being read. Returns the offset up to which the chunk was read. */
  #rest(chunk: Buffer, at: number): number {
    const end = Math.min(at + this.#leftBytes, chunk.length);
    this.#leftBytes -= end - at;
    this.#stage.rest(chunk, at, end, this.#leftBytes);
    return end;
  }

  /** Begins a message, or holds its first bytes. Returns the offset up to which the chunk was read. */
  #begin(chunk: Buffer, at: number): number {
    const bytes = chunk.length - at;
    if (this.#headBytes > 0 || bytes < frameHeaderBytes) {
      return this.#hold(chunk, at);
    }
    const type = chunk[at] ?? 0;
    const length = frameLength(chunk, at, Infinity);
    const stage = this.#stageOf(type);
    if (stage.headBytes(type, length) > bytes) {
      return this.#hold(chunk, at);
    }
    const end = at + Math.min(length, bytes);
    this.#work = stage.begin(chunk, at, end, at + length - end);
    this.#stage = stage;
    this.#leftBytes = at + length - end;
    return end;
  }

  /** Holds the first bytes of a message until it can begin. Returns the offset up to which the chunk was read. */
  #hold(chunk: Buffer, at: number): number {
    const end = Math.min(at + this.#missingBytes(), chunk.length);
    const piece = chunk.subarray(at, end);
    if (this.#headBytes < frameHeaderBytes) {
      this.#head = [Buffer.concat([...this.#head, piece])];
    } else {
      this.#head.push(piece);
    }
    this.#headBytes += piece.length;
    if (this.#missingBytes() === 0) {
      const head = Buffer.concat(this.#head);
      this.#head = [];
      this.#headBytes = 0;
      this.#begin(head, 0);
    }
    return end;
  }

  /** Returns the number of bytes that the message needs before it can begin. Throws GatewayError. */
  #missingBytes(): number {
    const [head] = this.#head;
    if (head === undefined || this.#headBytes < frameHeaderBytes) {
      return frameHeaderBytes - this.#headBytes;
    }
    const type = head.readUInt8(0);
    return Math.max(0, this.#stageOf(type).headBytes(type, frameLength(head, 0, Infinity)) - this.#headBytes);
  }

  /** Returns the first stage of a message of this type. What comes unasked has the changes that a request of the connection had last. */
  #stageOf(type: number): AnswerStage {
    const own = this.#conversation.current?.changes ?? unchanged;
    const changes = own.length === 0 && comesUnasked(type) ? this.#conversation.newestChanges : own;
    const isText = changes.length > 0 && concernsTexts(type);
    if (isText && changes !== this.#split.of) {
      this.#split = splitOf(changes);
    }
    const { looks, masks } = this.#split;
    const isMasked = isText && masks.length > 0;
    if (isMasked) {
      this.#changed.use(masks);
    } else if (this.#changed.isHolding) {
      this.#changed.end();
    }
    const stage = isMasked ? this.#changed : this.#state;
    if (isText && looks.length > 0) {
      this.#looked.use(looks, stage, isMasked);
      return this.#looked;
    }
    if (this.#looked.isHolding) {
      this.#looked.end();
    }
    return stage;
  }
}

function splitOf(changes: readonly TextChange[]) {
  return { of: changes, looks: changes.filter(({ look }) => look !== undefined), masks: changes.filter(({ look }) => look === undefined) };
}
