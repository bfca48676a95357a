import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Problem } from '../../domain/problem.ts';
import {
  headerOf,
  type AnswerScreen,
  type Ask,
  type OwnRequest,
  type Refusal,
  type RequestHead,
  type ResponseHead,
  type ScreenedPiece,
} from '../../exchange/reading.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { SseParser } from '../../content/sse.ts';
import { actionOfMethod } from './actions.ts';
import { failureJson } from './failures.ts';
import { oldTransport } from './old-transport.ts';
import { inputRequests, isObject, parseServerBody, type Message, type RequestId } from './messages.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const askingKeys = new Set(['method', 'result']);
const byTarget = { 'countersign.asked_by': 'target' };

/**
 * Splits an event stream into events; any other body is one piece. Lists the server's requests to the client in each: requests, and results that ask for input. A piece
 * that cannot be read here, and that a client might read differently, counts as an unknown request. As usual clients do, it takes more for an event stream than the standard says.
 */
export class McpScreen implements AnswerScreen {
  readonly #request: RequestHead;
  readonly #heldBytesMax: number;
  readonly #parser: SseParser;
  #form: 'events' | 'whole' | 'unreadable' = 'whole';
  #isJson = false;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** The rest of what was too long. */
  #isPassing = false;

  /** `heldBytesMax`: of one event, or of an answer that is no stream. What is longer goes as one that cannot be read. */
  constructor(request: RequestHead, heldBytesMax = defaultEventBytesMax) {
    this.#request = request;
    this.#heldBytesMax = heldBytesMax;
    this.#parser = new SseParser(heldBytesMax);
  }

  get isStream(): boolean {
    return this.#form === 'events';
  }

  head({ headers }: ResponseHead): void {
    const coding = headerOf(headers, 'content-encoding')?.trim().toLowerCase() ?? '';
    const type = headerOf(headers, 'content-type')?.toLowerCase() ?? '';
    this.#form = coding !== '' && coding !== 'identity' ? 'unreadable' : type.includes('text/event-stream') ? 'events' : 'whole';
    this.#isJson = type.includes('json');
  }

  push(bytes: Buffer): readonly ScreenedPiece[] {
    return this.#form === 'events' ? [...linesOf(bytes)].flatMap((line) => this.#pushLine(line)) : this.#pushWhole(bytes);
  }

  end(): readonly ScreenedPiece[] {
    if (this.#heldBytes === 0) {
      return [];
    }
    if (this.#form === 'whole') {
      const bytes = this.#release();
      return [this.#pieceOf(bytes, bytes, null)];
    }
    // A client may take for an event what ends without a blank line.
    const [event] = this.#parser.push(Buffer.from('\n\n'));
    return [event === undefined ? passed(this.#release()) : this.#eventPiece(event.data)];
  }

  #pushWhole(bytes: Buffer): ScreenedPiece[] {
    if (this.#isPassing) {
      return [passed(bytes)];
    }
    this.#hold(bytes);
    return this.#form === 'unreadable' || this.#heldBytes > this.#heldBytesMax ? [this.#unreadable()] : [];
  }

  #pushLine(line: Buffer): ScreenedPiece[] {
    this.#hold(line);
    const [event] = this.#parser.push(line);
    const isOver = event !== undefined || this.#parser.isBetweenEvents;
    if (this.#isPassing) {
      this.#isPassing = !isOver;
      return [passed(this.#release())];
    }
    if (event?.type === 'endpoint' && this.#request.method === 'GET') {
      throw oldTransport();
    }
    if (event !== undefined && event.data !== '') {
      return [this.#eventPiece(event.data)];
    }
    return isOver ? [passed(this.#release())] : this.#heldBytes > this.#heldBytesMax ? [this.#unreadable()] : [];
  }

  #eventPiece(data: string): ScreenedPiece {
    return this.#pieceOf(this.#release(), Buffer.from(data), (failure) => Buffer.from(failure === null ? '' : `event: message\ndata: ${failure}\n\n`));
  }

  /** `replace`: what comes in the place of a piece that is refused; null where the whole answer ends with the refusal. */
  #pieceOf(bytes: Buffer, data: Buffer, replace: ((failure: string | null) => Buffer) | null): ScreenedPiece {
    const messages = readMessages(data);
    if (messages === null) {
      const isMessage = (replace !== null || this.#isJson) && mayAsk(data);
      return isMessage ? { bytes, asks: [unknownAsk(data)], refused: () => ({ toClient: replace?.(null) ?? null, toTarget: [] }) } : passed(bytes);
    }
    const refused = (problem: Problem): Refusal => {
      const answered = messages.find((message) => message.kind === 'result' || message.kind === 'failure');
      const failure = answered?.id ? failureJson(problem, answered.id) : null;
      const toTarget = messages.flatMap((message) => (message.kind === 'request' ? [this.#answerTo(message.id, problem)] : []));
      return { toClient: replace?.(failure) ?? null, toTarget };
    };
    return { bytes, asks: messages.flatMap((message) => asksOf(message, data)), refused };
  }

  #unreadable(): ScreenedPiece {
    this.#isPassing = true;
    const bytes = this.#release();
    return { bytes, asks: [unknownAsk(Buffer.alloc(0))], refused: () => ({ toClient: null, toTarget: [] }) };
  }

  /** The error that the server gets for a request that its client is not asked. */
  #answerTo(id: RequestId, problem: Problem): OwnRequest {
    const kept = this.#request.headers.filter(([name]) => name === 'mcp-session-id' || name === 'mcp-protocol-version');
    const headers = [['content-type', 'application/json'], ['accept', 'application/json, text/event-stream'], ...kept] as const;
    return {
      head: { method: 'POST', path: this.#request.path, headers },
      body: Buffer.from(failureJson(problem, id)),
      action: { name: 'mcp.answer', attributes: { 'jsonrpc.request.id': id.text } },
    };
  }

  #hold(bytes: Buffer): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  #release(): Buffer {
    const [first] = this.#held;
    const bytes = this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return bytes;
  }
}

function passed(bytes: Buffer): ScreenedPiece {
  return { bytes, asks: [], refused: () => ({ toClient: null, toTarget: [] }) };
}

function unknownAsk(content: Buffer): Ask {
  return { action: { name: actionOfMethod(''), attributes: byTarget }, content };
}

function asksOf(message: Message, content: Buffer): Ask[] {
  const ask = (method: string, more: Attributes = {}): Ask => ({
    action: { name: actionOfMethod(method), attributes: { ...byTarget, 'mcp.method.name': method, ...more } },
    content,
  });
  return message.kind === 'request'
    ? [ask(message.method, { 'jsonrpc.request.id': message.id.text })]
    : message.kind === 'result'
      ? inputRequests(message.result).map((method) => ask(method))
      : [];
}

/** Parses a server's messages as usual clients do: bytes that are not UTF-8 are replaced. Null if they cannot be read. */
function readMessages(data: Buffer): readonly Message[] | null {
  try {
    return parseServerBody(new TextDecoder().decode(data)).messages;
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}

/** True if some client may take these bytes, which are no message for us, for a message that asks something. */
function mayAsk(data: Buffer): boolean {
  try {
    const elements: readonly unknown[] = [JSON.parse(new TextDecoder().decode(data))].flat();
    const keys = elements.flatMap((element) => (isObject(element) ? Object.keys(element) : []));
    return keys.some((key) => askingKeys.has(key.toLowerCase()));
  } catch {
    return data.length > 0;
  }
}

/** Splits bytes into lines, each with its line end; the last one may have none yet. */
function* linesOf(bytes: Buffer): Generator<Buffer> {
  let start = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === lineFeed || bytes[at] === carriageReturn) {
      yield bytes.subarray(start, at + 1);
      start = at + 1;
    }
  }
  if (start < bytes.length) {
    yield bytes.subarray(start);
  }
}
