import { GatewayError } from '../../domain/errors.ts';
import { parseExactNumbers } from '../../content/exact-json.ts';
import { headerOf, type Headers } from '../../exchange/reading.ts';
import { replayExchange, type AnswerAdapter } from '../../exchange/recorded/recorded-call.ts';
import { decodeBody } from '../../content/codings.ts';
import { readRecordedRequest } from '../../exchange/recorded/recorded-http.ts';
import { isObject, type JsonObject } from './messages.ts';

/** Most bytes of an answer that is not a stream. It is joined before it is changed. */
const answerBytesMax = 64 * 1024 * 1024;
const eventEnd = /\r\n\r\n|\n\n|\r\r/;
/** Headers that only describe the bytes of a message. */
const framing: ReadonlySet<string> = new Set(['content-length', 'content-encoding']);

/** Ids of requests and progress tokens are made by the client and are new each time. So is its description of itself. */
export const replay = replayExchange({ change: withoutOwn, adapt: adaptIds });

/**
 * Removes from a request what the client makes anew each time, so that only the question is left. An answer to the server keeps its id, which the server made.
 */
function withoutOwn(body: unknown): unknown {
  if (Array.isArray(body)) {
    return body.map(withoutOwn);
  }
  if (!isObject(body) || typeof body['method'] !== 'string') {
    return body;
  }
  const { id: _id, params, ...rest } = body;
  if (!isObject(params)) {
    return { ...rest, params };
  }
  const { _meta, clientInfo: _clientInfo, ...asked } = params;
  return { ...rest, params: body['method'] === 'notifications/cancelled' ? {} : asked };
}

/** The values in a request that the client made, as JSON. */
interface Own {
  readonly id: string | undefined;
  readonly progressToken: string | undefined;
}

function adaptIds(recorded: Buffer, asked: Buffer): AnswerAdapter | null {
  const [was, is] = [ownOf(recorded), ownOf(asked)];
  return was.id === is.id && was.progressToken === is.progressToken ? null : new IdAdapter(was, is);
}

function ownOf(request: Buffer): Own {
  const message = parse(readRecordedRequest(request)?.body.toString('utf8') ?? '');
  const { id, params } = isObject(message) ? message : {};
  const meta = isObject(params) && isObject(params['_meta']) ? params['_meta'] : {};
  return { id: JSON.stringify(id), progressToken: JSON.stringify(meta['progressToken']) };
}

/** Puts the present ids and progress tokens into a recorded answer. */
class IdAdapter implements AnswerAdapter {
  readonly #was: Own;
  readonly #is: Own;
  #headers: Headers = [];
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** The last characters of the pieces before. */
  #tail = '';

  constructor(was: Own, is: Own) {
    this.#was = was;
    this.#is = is;
  }

  head(headers: Headers): Headers {
    this.#headers = headers;
    return headers.filter(([name]) => !framing.has(name));
  }

  piece(bytes: Buffer, isLast: boolean): Buffer {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > answerBytesMax) {
      throw new GatewayError('limit_exceeded', `A recorded answer of more than ${answerBytesMax} bytes cannot be given to a request with another id.`);
    }
    this.#held.push(bytes);
    const isStream = /^text\/event-stream/i.test(headerOf(this.#headers, 'content-type') ?? '');
    const isEncoded = headerOf(this.#headers, 'content-encoding') !== undefined;
    if (!isLast && (!isStream || isEncoded || !this.#endsEvent(bytes))) {
      return Buffer.alloc(0);
    }
    const text = decodeBody(this.#headers, Buffer.concat(this.#held)).toString('latin1');
    const given = isStream ? this.#events(text, isLast) : { text: this.#message(text), rest: '' };
    this.#held = [Buffer.from(given.rest, 'latin1')];
    this.#heldBytes = given.rest.length;
    return Buffer.from(given.text, 'latin1');
  }

  /** True if an event ends in these new bytes. Its end may have begun in the piece before. */
  #endsEvent(bytes: Buffer): boolean {
    const text = this.#tail + bytes.toString('latin1');
    this.#tail = text.slice(-3);
    return eventEnd.test(text);
  }

  /** Changes the events that are complete, and returns the rest. */
  #events(text: string, isLast: boolean): { readonly text: string; readonly rest: string } {
    let given = '';
    let rest = text;
    for (let end = eventEnd.exec(rest); end !== null; end = eventEnd.exec(rest)) {
      given += this.#event(rest.slice(0, end.index)) + end[0];
      rest = rest.slice(end.index + end[0].length);
    }
    return isLast ? { text: given + rest, rest: '' } : { text: given, rest };
  }

  #event(event: string): string {
    const lines = event.split(/\r\n|\n|\r/);
    const data = lines.flatMap((line) => /^data: ?(.*)$/s.exec(line)?.[1] ?? []).join('\n');
    const message = this.#message(data);
    return message === data ? event : [...lines.filter((line) => !line.startsWith('data:')), `data: ${message}`].join('\n');
  }

  /** Changes the text of a message. The text holds each byte of UTF-8 as one character, so the unchanged parts stay exactly as they were. */
  #message(text: string): string {
    const value = parse(Buffer.from(text, 'latin1').toString('utf8'));
    const changed = Array.isArray(value) ? value.map((each) => this.#change(each)) : this.#change(value);
    return JSON.stringify(changed) === JSON.stringify(value) ? text : Buffer.from(JSON.stringify(changed)).toString('latin1');
  }

  #change(message: unknown): unknown {
    if (!isObject(message)) {
      return message;
    }
    const { id, method, params } = message;
    if (method === undefined && this.#is.id !== undefined && JSON.stringify(id) === this.#was.id) {
      return { ...message, id: JSON.rawJSON(this.#is.id) };
    }
    return method === 'notifications/progress' && isObject(params) ? { ...message, params: this.#progress(params) } : message;
  }

  #progress(params: JsonObject): JsonObject {
    const { progressToken } = this.#is;
    return progressToken === undefined || JSON.stringify(params['progressToken']) !== this.#was.progressToken
      ? params
      : { ...params, progressToken: JSON.rawJSON(progressToken) };
  }
}

/** Parses JSON; undefined if the text is not JSON. */
function parse(text: string): unknown {
  try {
    return parseExactNumbers(text);
  } catch {
    return undefined;
  }
}
