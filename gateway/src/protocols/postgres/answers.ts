import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { ChangedFrames } from '../../content/changed-frames.ts';
import type { ResponseOutput } from '../../wire/relay.ts';
import { frameHeaderBytes, frameLength } from './codec.ts';
import type { Conversation, Exchange } from './conversation.ts';
import { refusedState } from './failures.ts';
import { backend } from './messages.ts';
import { comesUnasked, holdsTexts, textMessage } from './text-message.ts';
import { encodingFact, encodingIn } from './text-encoding.ts';

/** Number of bytes at the beginning of an error that are read: its code and severity are among them. */
const errorHeadBytesMax = frameHeaderBytes + 256;
const tagBytesMax = frameHeaderBytes + 64;
/** Most bytes of a ParameterStatus that is read whole; the one with the encoding is far shorter. */
const parameterBytesMax = frameHeaderBytes + 96;
const readyBytes = frameHeaderBytes + 1;
/** The format of all COPY data is the first byte of CopyOutResponse. */
const copyFormatBytes = frameHeaderBytes + 1;
const binaryFormat = 1;
const known = new Set<number>(Object.values(backend));
/** Messages that belong to a login, where the gateway was the client. Later they could only be meant to deceive. */
const loginOnly = new Set<number>([backend.authentication, backend.backendKeyData, backend.negotiateVersion]);
const nothing = Buffer.alloc(0);
const unchanged: readonly TextChange[] = [];

export interface AnswersOptions {
  readonly emit: (output: ResponseOutput) => void;
  readonly nowMs: () => number;
  /** The `client_encoding` after the login. */
  readonly encoding: string;
  /** Most bytes of a row that is held whole because its texts are changed. */
  readonly heldBytesMax: number;
}

/**
 * Splits what the target sends into frames and makes response outputs, each for one request. Bodies are skipped: rows of any size pass through, and no part of
 * a frame that has begun is held. Only the first bytes of errors, command tags and ReadyForQuery are read.
 */
export class Answers {
  readonly #conversation: Conversation;
  readonly #emit: (output: ResponseOutput) => void;
  readonly #nowMs: () => number;
  readonly #heldBytesMax: number;
  /** The chunk that is being read, and the offset of its first byte that is in no piece yet. */
  #chunk: Buffer = nothing;
  #from = 0;
  /** Pieces of the output that is being made. */
  #pieces: Uint8Array[] = [];
  #begunBytes = 0;
  /** The type of the frame that is being read, and its missing bytes. */
  #type = 0;
  #leftBytes = 0;
  #swallowing = false;
  /** The first bytes of a frame whose kind is not known yet. They are not released. */
  #head: Buffer = nothing;
  /** Changes the texts of the answer, one message after the other. Null while no message with texts that are changed has come, or another one has come since. */
  #changed: { readonly changes: readonly TextChange[]; readonly frames: ChangedFrames } | null = null;
  #rows = 0;
  #sqlState: string | null = null;
  #isFatal = false;
  #status = 0;
  #tag = '';
  #encoding: string;
  /** The encoding that was in force at the beginning of the output that is being made. */
  #outputEncoding: string;
  /** True if parts of the current answer end within frames, and if the chunk that is being read began within one. */
  #cutFrames = false;
  #beganCut = false;

  constructor(conversation: Conversation, options: AnswersOptions) {
    this.#conversation = conversation;
    this.#emit = options.emit;
    this.#nowMs = options.nowMs;
    this.#heldBytesMax = options.heldBytesMax;
    this.#encoding = options.encoding;
    this.#outputEncoding = options.encoding;
  }

  /** The `client_encoding` that the target reported last. */
  get encoding(): string {
    return this.#encoding;
  }

  /** True if the client got a part of a frame and not the rest: then nothing else can be sent to it. */
  get isMidFrame(): boolean {
    return this.#leftBytes > 0 && !this.#swallowing;
  }

  /** True if the client may have had only a part of a frame when one of the last outputs was released. */
  get hasCutFrames(): boolean {
    return this.#cutFrames || this.#beganCut;
  }

  /** Takes the next bytes of the target. Throws GatewayError `malformed` or `unsupported`. */
  bytes(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#from = 0;
    this.#begunBytes = this.#swallowing ? 0 : this.#leftBytes;
    this.#beganCut = this.#begunBytes > 0;
    const { length } = chunk;
    let at = 0;
    try {
      while (at < length) {
        if (this.#leftBytes > 0) {
          at = this.#pass(at);
        } else if (chunk[at] === backend.dataRow && at + frameHeaderBytes <= length && this.#head.length === 0 && this.#changes.length === 0) {
          // Most messages are rows, so they take the shortest way.
          const end = at + frameLength(chunk, at, Infinity);
          this.#type = backend.dataRow;
          this.#rows += 1;
          at = Math.min(end, length);
          this.#leftBytes = end - at;
        } else {
          at = this.#begin(at);
        }
      }
    } finally {
      // This happens even after an invalid frame, because the frames before it are for the client.
      this.#endChunk(at);
    }
  }

  /** Notes that a request was sent. If nothing will answer it, it is over at once. */
  sent(): void {
    this.#finishComplete(0);
  }

  /** Passes bytes of the frame that is being read. */
  #pass(at: number): number {
    const end = Math.min(at + this.#leftBytes, this.#chunk.length);
    this.#leftBytes -= end - at;
    if (this.#leftBytes === 0) {
      this.#ended(end);
    }
    return end;
  }

  /** Begins a frame at `at`, or continues one that was held back. Returns the offset up to which the chunk was read. */
  #begin(at: number): number {
    if (this.#changed !== null && this.#head.length === 0 && !this.#isChanged(this.#chunk, at)) {
      this.#cut(at);
      this.#pieces.push(...this.#endChanged());
    }
    if (this.#head.length === 0 && this.#headBytes(this.#chunk, at) <= this.#chunk.length - at && !this.#isChanged(this.#chunk, at)) {
      this.#open(this.#chunk, at);
      if (this.#swallowing) {
        this.#cut(at);
      }
      return at;
    }
    this.#cut(at);
    const end = Math.min(at + this.#headBytes(this.#head, 0) - this.#head.length, this.#chunk.length);
    this.#head = Buffer.concat([this.#head, this.#chunk.subarray(at, end)]);
    this.#from = end;
    if (this.#headBytes(this.#head, 0) <= this.#head.length) {
      this.#openHead(end);
    }
    return end;
  }

  #openHead(at: number): void {
    const head = this.#head;
    this.#head = nothing;
    this.#open(head, 0);
    this.#leftBytes -= head.length;
    if (!this.#swallowing) {
      this.#pieces.push(...(this.#isChanged(head, 0) ? this.#change(head) : [head]));
    }
    if (this.#leftBytes === 0) {
      this.#ended(at);
    }
  }

  /** The changes to make in the texts of the current answer. */
  get #changes(): readonly TextChange[] {
    return this.#conversation.current?.changes ?? unchanged;
  }

  /** The changes that the texts of a message of this type go through. One that comes unasked has those that an act of the connection had last. */
  #changesOf(type: number): readonly TextChange[] {
    const changes = this.#changes;
    return changes.length === 0 && comesUnasked(type) ? this.#conversation.newestChanges : changes;
  }

  #isChanged(bytes: Buffer, at: number): boolean {
    const type = bytes[at] ?? 0;
    return this.#changesOf(type).length > 0 && holdsTexts(type);
  }

  /** Changes the texts of a whole message. Returns the messages to release: fewer if a row of COPY data waits for its end, more if one ends here. */
  #change(message: Buffer): readonly Buffer[] {
    const changes = this.#changesOf(message[0] ?? 0);
    const before = this.#changed !== null && this.#changed.changes !== changes ? this.#endChanged() : [];
    this.#changed ??= { changes, frames: new ChangedFrames(changes, this.#heldBytesMax) };
    return [...before, ...this.#changed.frames.push(textMessage(message))];
  }

  /** Ends the rows of COPY data that wait, and returns them. */
  #endChanged(): readonly Buffer[] {
    const released = this.#changed?.frames.end() ?? [];
    this.#changed = null;
    return released;
  }

  /**
   * Returns the number of bytes that a frame needs before it can begin. A frame whose texts are changed must be whole. Throws GatewayError `malformed` or
   * `limit_exceeded`.
   */
  #headBytes(bytes: Buffer, at: number): number {
    const needed = headBytes(bytes, at);
    if (!this.#isChanged(bytes, at) || bytes.length - at < frameHeaderBytes) {
      return needed;
    }
    const length = frameLength(bytes, at, Infinity);
    if (length > this.#heldBytesMax) {
      throw new GatewayError('limit_exceeded', `Policy changes texts of this result, and a message of it is longer than ${this.#heldBytesMax} bytes.`);
    }
    return length;
  }

  /** Reads the first bytes of a frame. */
  #open(bytes: Buffer, at: number): void {
    const type = bytes[at] ?? 0;
    if (!known.has(type) || loginOnly.has(type)) {
      throw new GatewayError('malformed', 'The target sent a message that does not belong into a conversation.');
    }
    if (type === backend.copyBoth) {
      throw new GatewayError('unsupported', 'The replication protocol is not spoken here.');
    }
    const body = at + frameHeaderBytes;
    if (type === backend.copyOut && this.#changes.length > 0 && bytes[body] === binaryFormat) {
      throw new GatewayError('unsupported', 'Policy changes texts of this result, which cannot be done in the binary format of COPY. Use the text format.');
    }
    this.#type = type;
    this.#leftBytes = frameLength(bytes, at, Infinity);
    if (type === backend.dataRow) {
      this.#rows += 1;
    } else if (type === backend.error) {
      const end = Math.min(at + this.#leftBytes, at + errorHeadBytesMax, bytes.length);
      this.#sqlState = errorField(bytes.subarray(body, end), 0x43);
      this.#isFatal = /^(?:FATAL|PANIC)$/.test(errorField(bytes.subarray(body, end), 0x56) ?? errorField(bytes.subarray(body, end), 0x53) ?? '');
      this.#swallowing = !this.#isFatal && (this.#conversation.current?.refusal ?? null) !== null;
    } else if (type === backend.commandComplete) {
      this.#tag = bytes.toString('latin1', body, Math.min(at + this.#leftBytes - 1, at + tagBytesMax, bytes.length));
    } else if (type === backend.parameterStatus) {
      this.#encoding = encodingIn(bytes.subarray(body, at + this.#leftBytes)) ?? this.#encoding;
    } else if (type === backend.readyForQuery) {
      if (this.#leftBytes !== readyBytes) {
        throw new GatewayError('malformed', 'The target sent a message of impossible length.');
      }
      this.#status = bytes[body] ?? 0;
    }
  }

  /** Ends the frame that is being read, at `at`. */
  #ended(at: number): void {
    const conversation = this.#conversation;
    switch (this.#type) {
      case backend.commandComplete:
        conversation.commandCompleted(this.#tag);
        break;
      case backend.parseComplete:
      case backend.bindComplete:
      case backend.closeComplete:
      case backend.rowDescription:
      case backend.noData:
      case backend.emptyQuery:
      case backend.portalSuspended:
        conversation.completedStep();
        break;
      case backend.error:
        this.#errorEnded(at);
        break;
      case backend.readyForQuery:
        conversation.ready(this.#status);
        break;
      case backend.copyIn:
        conversation.copyInStarted();
        break;
      default:
        return;
    }
    this.#finishComplete(at);
  }

  #errorEnded(at: number): void {
    const conversation = this.#conversation;
    const { current } = conversation;
    if (this.#swallowing && current !== undefined) {
      this.#swallowing = false;
      this.#from = at;
      this.#pieces.push(current.refusal ?? nothing);
      current.refusal = null;
      this.#sqlState = refusedState;
    }
    conversation.failed(this.#sqlState);
    if (this.#isFatal) {
      conversation.isLost = true;
      if (current !== undefined) {
        this.#finish(current, at);
      }
    }
  }

  /** Makes the outputs of the requests whose answers end here. */
  #finishComplete(at: number): void {
    for (let exchange = this.#conversation.takeComplete(); exchange !== null; exchange = this.#conversation.takeComplete()) {
      this.#finish(exchange, at);
    }
  }

  #finish(exchange: Exchange, at: number): void {
    this.#cut(at);
    if (this.#pieces.length > 0 || exchange.skipped) {
      this.#output(exchange.seq, this.#facts(exchange), false);
    }
    this.#rows = 0;
    this.#cutFrames = false;
  }

  #facts(exchange: Exchange): Attributes {
    if (exchange.skipped) {
      return { [ownAttributes.skipped]: true };
    }
    const facts: Record<string, string | number> = {};
    if (exchange.kind !== 'prepare') {
      facts['db.response.returned_rows'] = this.#rows;
    }
    if (exchange.sqlState !== null) {
      facts['db.response.status_code'] = exchange.sqlState;
    }
    facts[ownAttributes.durationMs] = Math.round((this.#nowMs() - exchange.startedMs) * 1000) / 1000;
    return facts;
  }

  /** Makes an output of the rest of the chunk: a part of an answer that continues, or messages that the target sends without being asked. */
  #endChunk(at: number): void {
    if (this.#swallowing) {
      this.#from = at;
    }
    this.#cut(at);
    if (this.#pieces.length > 0) {
      this.#cutFrames ||= this.isMidFrame;
      const seq = this.#conversation.current?.seq;
      this.#output(seq, undefined, seq !== undefined || this.isMidFrame);
    }
    this.#chunk = nothing;
  }

  #output(seq: number | undefined, facts: Attributes | undefined, continues: boolean): void {
    const begun = this.#begunBytes > 0 ? { [ownAttributes.begunBytes]: this.#begunBytes } : null;
    const encoding = encodingFact(this.#outputEncoding);
    const attributes = begun === null && encoding === null ? facts : { ...facts, ...begun, ...encoding };
    this.#outputEncoding = this.#encoding;
    this.#begunBytes = 0;
    const bytes = this.#pieces;
    this.#pieces = [];
    this.#emit({
      type: 'response',
      meta: { ...(seq === undefined ? {} : { request: seq }), ...(attributes === undefined ? {} : { attributes }) },
      bytes,
      continues,
    });
  }

  #cut(at: number): void {
    if (this.#from < at) {
      this.#pieces.push(this.#chunk.subarray(this.#from, at));
    }
    this.#from = at;
  }
}

/** Returns the number of bytes that a frame needs before it can begin. Throws GatewayError `malformed`. */
function headBytes(bytes: Buffer, at: number): number {
  if (bytes.length - at < frameHeaderBytes) {
    return frameHeaderBytes;
  }
  const length = frameLength(bytes, at, Infinity);
  switch (bytes.readUInt8(at)) {
    case backend.error:
      return Math.min(length, errorHeadBytesMax);
    case backend.commandComplete:
      return Math.min(length, tagBytesMax);
    case backend.parameterStatus:
      return Math.min(length, parameterBytesMax);
    case backend.readyForQuery:
      return Math.min(length, readyBytes);
    case backend.copyOut:
      return Math.min(length, copyFormatBytes);
    default:
      return frameHeaderBytes;
  }
}

/** Returns one field of an error, if all of it is within these bytes. */
function errorField(body: Buffer, code: number): string | null {
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const end = body.indexOf(0, at + 1);
    if (end < 0) {
      return null;
    }
    if (body[at] === code) {
      return body.toString('latin1', at + 1, end);
    }
    at = end + 1;
  }
  return null;
}
