import { GatewayError } from '../../domain/errors.ts';
import type { Problem } from '../../exchange/problem.ts';
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
import { shortBytes, type TakeElsewhere } from '../../exchange/step.ts';
import { codingOf } from '../../content/codings.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { SseParser } from '../../content/sse.ts';
import { readPiece, step, unreadPiece, type ReadPiece } from './screen-step.ts';
import { failureJson } from './failures.ts';
import { oldTransport } from './old-transport.ts';
import type { RequestId } from './messages.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Splits an event stream into events; any other body is one piece. Lists the server's requests to the client in each: requests, and results that ask for input.
 * A piece that cannot be read here, but that a client might read, counts as an unknown request. Like common clients, it accepts more as an event stream than
 * the standard says.
 */
export class McpScreen implements AnswerScreen {
  readonly #request: RequestHead;
  readonly #heldBytesMax: number;
  readonly #parser: SseParser;
  #form: 'events' | 'whole' | 'unreadable' = 'whole';
  #isJson = false;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** True while the rest of a piece that was too long passes. */
  #isPassing = false;

  /** `heldBytesMax` is for one event, or for an answer that is no stream. A longer piece counts as one that cannot be read. */
  constructor(request: RequestHead, heldBytesMax = defaultEventBytesMax) {
    this.#request = request;
    this.#heldBytesMax = heldBytesMax;
    this.#parser = new SseParser(heldBytesMax);
  }

  get isStream(): boolean {
    return this.#form === 'events';
  }

  head({ headers }: ResponseHead): void {
    const type = headerOf(headers, 'content-type')?.toLowerCase() ?? '';
    this.#form = codingOf(headerOf(headers, 'content-encoding')) !== '' ? 'unreadable' : type.includes('text/event-stream') ? 'events' : 'whole';
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
    // A client may accept an event without a blank line at its end.
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

  /** Makes a piece. `replace` returns the bytes that replace a refused piece; null if a refusal ends the whole answer. */
  #pieceOf(bytes: Buffer, data: Buffer, replace: ((failure: string | null) => Buffer) | null): ScreenedPiece {
    const mayBeMessage = replace !== null || this.#isJson;
    let read: ReadPiece = data.length <= shortBytes ? readPiece(data, mayBeMessage) : unreadPiece;
    const refused = (problem: Problem): Refusal => {
      const failure = read.answered === null ? null : failureJson(problem, read.answered);
      return { toClient: replace?.(failure) ?? null, toTarget: read.requests.map((id) => this.#answerTo(id, problem)) };
    };
    const asks = (): Ask[] => read.actions.map((action) => ({ action, content: data }));
    if (data.length <= shortBytes) {
      return { bytes, asks: asks(), refused };
    }
    const readLong = async (take: TakeElsewhere): Promise<Ask[]> => {
      try {
        read = await take(step, { body: data, mayBeMessage });
      } catch (error) {
        // A piece that takes too much to read counts as an unknown request.
        if (!(error instanceof GatewayError)) {
          throw error;
        }
      }
      return asks();
    };
    return { bytes, asks: readLong, refused };
  }

  #unreadable(): ScreenedPiece {
    this.#isPassing = true;
    const bytes = this.#release();
    return { bytes, asks: unreadPiece.actions.map((action) => ({ action, content: Buffer.alloc(0) })), refused: () => ({ toClient: null, toTarget: [] }) };
  }

  /** Makes the error with which the server is told that its client is not asked. */
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

/** Splits bytes into lines with their line ends. The last line may have none yet. */
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
