import type { Attributes, GivenIds } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { wholeAttribute } from '../../domain/record.ts';
import type { AnswerReader, ResponseHead } from '../../exchange/reading.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { SseParser } from '../../content/sse.ts';
import { actionOfMethod } from './actions.ts';
import { eventGiven, idsOf, sessionGiven } from './given-ids.ts';
import type { Message, RequestId, Result } from './messages.ts';
import { inputRequests, parseServerBody } from './messages.ts';
import type { ToolList } from './tool-definitions.ts';
import { isSessionId, revisionIn } from './revision.ts';
import { readToolList } from './tool-definitions.ts';

/** Tools whose digests are facts of the answer that lists them. */
const digestsAttributeMax = 200;

/** The outcome of a request. `unread`: its answer was too long, cut or not understood. */
type Outcome = 'result' | 'error' | 'tool_error' | 'input_required' | 'unread' | 'none';

/** A request, as far as its answer needs it. */
export interface AskedRequest {
  readonly id: RequestId;
  readonly method: string;
  /** The request asks for the next part of a list. */
  readonly isContinued: boolean;
}

/** Follows the answer to a POST, or the server's own stream. Never throws. */
export class AnswerFollower implements AnswerReader {
  /** The requests by the text of their ids: some clients take "1" for an answer to 1. */
  readonly #asked: ReadonlyMap<string, AskedRequest>;
  readonly #mayBeginSession: boolean;
  readonly #messageBytesMax: number;
  #sse: SseParser | null = null;
  #json: Buffer[] | null = null;
  #jsonBytes = 0;
  #outcome: Outcome = 'none';
  #unread = 0;
  #toolList: ToolList | null = null;
  readonly #asks = new Set<string>();
  readonly #facts: Record<string, Attributes[string]> = {};
  /** The id of the MCP session that the answer is in; empty for none. */
  #session: string;
  #given: string[] = [];
  #lastEventId = '';

  /** `session`: which the request is in, empty for none. `messageBytesMax`: what is held of one message to be read; the record has all of it. */
  constructor(asked: readonly AskedRequest[], session = '', messageBytesMax = defaultEventBytesMax) {
    this.#session = session;
    this.#messageBytesMax = messageBytesMax;
    this.#asked = new Map(asked.map((request) => [request.id.text, request]));
    this.#mayBeginSession = asked.some(({ method }) => method === 'initialize');
  }

  /** Tool definitions that the answer listed, for `compareTools`; null while it has none. */
  get toolList(): ToolList | null {
    this.#readJson();
    return this.#toolList;
  }

  /** True if an event may follow the bytes that came. False once the request was answered: nothing more may be said about it then. */
  get isBetweenEvents(): boolean {
    return this.#outcome === 'none' && this.#sse?.isBetweenEvents === true;
  }

  head({ headers }: ResponseHead): void {
    const mediaType = headers
      .find(([name]) => name === 'content-type')?.[1]
      .split(';')[0]
      ?.trim()
      .toLowerCase();
    this.#sse = mediaType === 'text/event-stream' ? new SseParser(this.#messageBytesMax) : null;
    this.#json = mediaType === 'application/json' ? [] : null;
    const session = headers.find(([name]) => name === 'mcp-session-id')?.[1];
    if (session !== undefined && session !== this.#session) {
      this.#session = session;
      this.#given.push(sessionGiven(session));
    }
    if (this.#mayBeginSession && session !== undefined && isSessionId(session)) {
      this.#facts['mcp.session.id'] = session;
    }
  }

  bytes(piece: Uint8Array): void {
    const events = this.#sse?.push(piece) ?? [];
    const last = this.#sse?.lastId ?? '';
    const eventIds = new Set([...events.map(({ id }) => id), last].filter((id) => id !== '' && id !== this.#lastEventId));
    this.#given.push(...[...eventIds].map((id) => eventGiven(this.#session, id)));
    this.#lastEventId = last;
    for (const event of events) {
      // An event without data only names a place to resume from.
      if (event.data !== '') {
        this.#read(event.data);
      }
    }
    this.#jsonBytes += piece.length;
    if (this.#jsonBytes <= this.#messageBytesMax) {
      this.#json?.push(Buffer.from(piece));
    }
  }

  unreadable(): void {
    this.#unread += 1;
  }

  given(): GivenIds {
    const ids = this.#given;
    this.#given = [];
    return { ids, isNew: true };
  }

  facts(): Attributes {
    this.#readJson();
    const unread = this.#unread + (this.#sse?.skipped ?? 0);
    const outcome = this.#outcome === 'none' && unread > 0 ? 'unread' : this.#outcome;
    return {
      ...this.#facts,
      ...(this.#asked.size === 0 ? {} : { 'countersign.outcome': outcome }),
      ...(unread === 0 ? {} : { 'countersign.unread_messages': unread, [wholeAttribute]: false }),
      ...(this.#asks.size === 0 ? {} : { 'countersign.server_requests': [...this.#asks] }),
      ...toolAttributes(this.#toolList),
    };
  }

  #readJson(): void {
    const pieces = this.#json;
    this.#json = null;
    if (pieces === null || this.#jsonBytes === 0) {
      return;
    }
    if (this.#jsonBytes > this.#messageBytesMax) {
      this.#unread += 1;
    } else {
      this.#read(new TextDecoder().decode(Buffer.concat(pieces)));
    }
  }

  #read(text: string): void {
    try {
      for (const message of parseServerBody(text).messages) {
        this.#readMessage(message);
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      this.#unread += 1;
    }
  }

  #readMessage(message: Message): void {
    switch (message.kind) {
      case 'request':
        this.#asks.add(actionOfMethod(message.method));
        break;
      case 'result':
        this.#readResult(message);
        break;
      case 'failure':
        if (message.id === null || this.#asked.has(message.id.text)) {
          this.#outcome = 'error';
          this.#facts['rpc.response.status_code'] = String(message.code);
          this.#facts['error.type'] = String(message.code);
        }
        break;
      case 'notification':
        break;
      default:
        message satisfies never;
    }
  }

  #readResult({ id, result }: Result): void {
    this.#given.push(...idsOf(result));
    const request = this.#asked.get(id.text);
    // A stream may also bring an answer that an earlier one lost.
    if (Array.isArray(result['tools']) && (request === undefined || request.method === 'tools/list')) {
      const isWhole = request !== undefined && !request.isContinued && result['nextCursor'] === undefined;
      this.#toolList = readToolList(result['tools'], isWhole);
    }
    for (const asked of inputRequests(result)) {
      this.#asks.add(actionOfMethod(asked));
    }
    if (request === undefined) {
      return;
    }
    const isToolError = result['isError'] === true;
    this.#outcome = isToolError ? 'tool_error' : result['resultType'] === 'input_required' ? 'input_required' : 'result';
    if (isToolError) {
      this.#facts['error.type'] = 'tool_error';
    }
    const revision = request.method === 'initialize' ? revisionIn(result) : null;
    if (revision !== null) {
      this.#facts['mcp.protocol.version'] = revision;
    }
  }
}

function toolAttributes(list: ToolList | null): Attributes {
  if (list === null) {
    return {};
  }
  const digests = [...list.tools].slice(0, digestsAttributeMax).map(([name, { digest }]) => `${name} ${digest}`);
  return {
    'countersign.tools': list.tools.size,
    'countersign.tool_digests': digests,
    ...(list.unread === 0 ? {} : { 'countersign.unread_tools': list.unread }),
  };
}
