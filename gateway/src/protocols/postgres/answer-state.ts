import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { AnswerOutput } from './answer-output.ts';
import type { AnswerStage } from './answer-stage.ts';
import { frameHeaderBytes } from './codec.ts';
import type { Conversation, Exchange } from './conversation.ts';
import { refusalState } from './failures.ts';
import { backend } from './messages.ts';
import { encodingIn } from './text-encoding.ts';

/** Number of bytes at the beginning of an error that are read: its code and severity are among them. */
const errorHeadBytesMax = frameHeaderBytes + 256;
const tagBytesMax = frameHeaderBytes + 64;
/** Most bytes of a ParameterStatus that is read whole; those with the encoding and with the name of the application are shorter. */
const parameterBytesMax = frameHeaderBytes + 96;
const readyBytes = frameHeaderBytes + 1;
/** The format of all COPY data is the first byte of CopyOutResponse. */
const copyFormatBytes = frameHeaderBytes + 1;
const binaryFormat = 1;
/** The length of the message that ends COPY data in the binary format. */
const copyTrailerBytes = frameHeaderBytes + 2;
const known = new Set<number>(Object.values(backend));
/** Messages that belong to a login, where the gateway was the client. Later they could only be meant to deceive. */
const loginOnly = new Set<number>([backend.authentication, backend.backendKeyData, backend.negotiateVersion]);
const nothing = Buffer.alloc(0);

/** The body of a ParameterStatus about `application_name`. PostgreSQL makes other characters than printable ASCII question marks, and keeps 63. */
const applicationName = /^application_name\0([\x20-\x7e]{0,63})\0$/;

interface AnswerStateOptions {
  readonly nowMs: () => number;
  /** Called with the name of the client's application that the target reports. */
  readonly onApplicationName: (name: string) => void;
}

/** The last stage of an answer: reads what its messages say about the conversation, finds its facts, and gives its bytes to the output. Bodies of rows are not read. */
export class AnswerState implements AnswerStage {
  readonly #conversation: Conversation;
  readonly #output: AnswerOutput;
  readonly #nowMs: () => number;
  readonly #onApplicationName: (name: string) => void;
  #type = 0;
  #rows = 0;
  /** How many of the rows are in the records of earlier parts of the answer. */
  #toldRows = 0;
  /** True while COPY data come in the binary format, which ends with a message that is no row. */
  #isBinaryCopy = false;
  #sqlState: string | null = null;
  #isFatal = false;
  #status = 0;
  #tag = '';
  /** True while an error is read that the client does not get: the gateway's refusal takes its place. */
  #isSwallowing = false;

  constructor(conversation: Conversation, output: AnswerOutput, { nowMs, onApplicationName }: AnswerStateOptions) {
    this.#conversation = conversation;
    this.#output = output;
    this.#nowMs = nowMs;
    this.#onApplicationName = onApplicationName;
  }

  get isSwallowing(): boolean {
    return this.#isSwallowing;
  }

  headBytes(type: number, length: number): number {
    switch (type) {
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

  begin(bytes: Buffer, at: number, end: number, leftBytes: number): null {
    const type = bytes[at] ?? 0;
    this.#type = type;
    if (type === backend.dataRow) {
      // Most messages are rows, so they take the shortest way.
      this.#rows += 1;
      this.#output.pass(bytes, at, end);
      return null;
    }
    this.#open(bytes, at, end, leftBytes);
    this.rest(bytes, at, end, leftBytes);
    return null;
  }

  rest(bytes: Buffer, at: number, end: number, leftBytes: number): void {
    if (!this.#isSwallowing) {
      this.#output.pass(bytes, at, end);
    }
    if (leftBytes === 0) {
      this.#ended();
    }
  }

  /** The facts of a part of an answer that goes on. What came counts even if the client leaves before the end. */
  readonly partFacts = (): Attributes | undefined => {
    const rows = this.#rows - this.#toldRows;
    this.#toldRows = this.#rows;
    return rows === 0 ? undefined : { [ownAttributes.partRows]: rows };
  };

  /** Makes the outputs of the requests whose answers are complete. */
  finishComplete(): void {
    for (let exchange = this.#conversation.takeComplete(); exchange !== null; exchange = this.#conversation.takeComplete()) {
      this.#finish(exchange);
    }
  }

  /** Reads the beginning of a message. */
  #open(bytes: Buffer, at: number, end: number, leftBytes: number): void {
    const type = this.#type;
    if (!known.has(type) || loginOnly.has(type)) {
      throw new GatewayError('malformed', 'The target sent a message that does not belong into a conversation.');
    }
    const body = at + frameHeaderBytes;
    switch (type) {
      case backend.copyBoth:
        throw new GatewayError('unsupported', 'The replication protocol is not spoken here.');
      case backend.copyOut:
        if (this.#conversation.current?.changes.some(({ look }) => look === undefined) === true && bytes[body] === binaryFormat) {
          throw new GatewayError('unsupported', 'Policy changes texts of this result, which cannot be done in the binary format of COPY. Use the text format.');
        }
        this.#isBinaryCopy = bytes[body] === binaryFormat;
        break;
      case backend.copyData:
        this.#rows += this.#isBinaryCopy && end - at + leftBytes === copyTrailerBytes ? 0 : 1;
        break;
      case backend.error:
        this.#openError(bytes.subarray(body, Math.min(end, at + errorHeadBytesMax)));
        break;
      case backend.commandComplete:
        this.#tag = bytes.toString('latin1', body, Math.min(end + leftBytes - 1, at + tagBytesMax));
        break;
      case backend.parameterStatus:
        this.#openParameter(bytes.subarray(body, end));
        break;
      case backend.readyForQuery:
        if (end - at + leftBytes !== readyBytes) {
          throw new GatewayError('malformed', 'The target sent a message of impossible length.');
        }
        this.#status = bytes[body] ?? 0;
        break;
      default:
    }
  }

  #openParameter(body: Buffer): void {
    this.#output.encoding = encodingIn(body) ?? this.#output.encoding;
    const name = applicationName.exec(body.toString('latin1'))?.[1];
    if (name !== undefined) {
      this.#onApplicationName(name);
    }
  }

  #openError(body: Buffer): void {
    this.#sqlState = errorField(body, 0x43);
    this.#isFatal = /^(?:FATAL|PANIC)$/.test(errorField(body, 0x56) ?? errorField(body, 0x53) ?? '');
    this.#isSwallowing = !this.#isFatal && (this.#conversation.current?.refusal ?? null) !== null;
  }

  /** Ends the message that is being read. */
  #ended(): void {
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
        this.#errorEnded();
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
    this.finishComplete();
  }

  #errorEnded(): void {
    const conversation = this.#conversation;
    const { current } = conversation;
    if (this.#isSwallowing && current !== undefined) {
      this.#isSwallowing = false;
      const refusal = current.refusal ?? nothing;
      this.#output.pass(refusal, 0, refusal.length);
      current.refusal = null;
      this.#sqlState = refusalState(refusal);
    }
    conversation.failed(this.#sqlState);
    if (this.#isFatal) {
      conversation.isLost = true;
      if (current !== undefined) {
        this.#finish(current);
      }
    }
  }

  #finish(exchange: Exchange): void {
    this.#output.finish(exchange.seq, this.#facts(exchange), exchange.skipped);
    this.#rows = 0;
    this.#toldRows = 0;
  }

  #facts(exchange: Exchange): Attributes {
    if (exchange.skipped) {
      return { [ownAttributes.skipped]: true };
    }
    const facts: Record<string, string | number> = {};
    if (exchange.kind !== 'prepare') {
      facts['db.response.returned_rows'] = this.#rows;
      if (this.#toldRows > 0) {
        facts[ownAttributes.partRows] = this.#rows - this.#toldRows;
      }
    }
    if (exchange.sqlState !== null) {
      facts['db.response.status_code'] = exchange.sqlState;
    }
    facts[ownAttributes.durationMs] = Math.round((this.#nowMs() - exchange.startedMs) * 1000) / 1000;
    return facts;
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
