import type { Attributes, GivenIds } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { AnswerReader, ResponseHead } from '../../exchange/reading.ts';
import { shortBytes, type TakeElsewhere } from '../../exchange/step.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { SseParser } from '../../content/sse.ts';
import { step } from './answer-step.ts';
import { eventGiven, sessionGiven } from './given-ids.ts';
import { type AskedRequest, hearText, type Said } from './heard.ts';
import type { ToolList } from './tool-definitions.ts';
import { isSessionId } from './revision.ts';

/** Most tools whose digests are attributes of the answer that lists them. */
const digestsAttributeMax = 200;

/** Reads the answer to a POST, or the server's own stream. Never throws. */
export class AnswerFollower implements AnswerReader {
  /** The requests by the text of their ids: some clients take "1" for an answer to 1. */
  readonly #asked: ReadonlyMap<string, AskedRequest>;
  readonly #mayBeginSession: boolean;
  readonly #messageBytesMax: number;
  #sse: SseParser | null = null;
  #json: Buffer[] | null = null;
  #jsonBytes = 0;
  #said: Said = { outcome: 'none', unread: 0, toolList: null, asks: new Set(), facts: {}, given: [] };
  /** The id of the MCP session to which the answer belongs; empty if there is none. */
  #session: string;
  #lastEventId = '';

  /**
   * `session` is the session of the request; empty if there is none. `messageBytesMax` is for one message that is held to be read; the record has all of it.
   */
  constructor(asked: readonly AskedRequest[], session = '', messageBytesMax = defaultEventBytesMax) {
    this.#session = session;
    this.#messageBytesMax = messageBytesMax;
    this.#asked = new Map(asked.map((request) => [request.id.text, request]));
    this.#mayBeginSession = asked.some(({ method }) => method === 'initialize');
  }

  /** The tool definitions that the answer listed, for `compareTools`; null if it listed none so far. */
  get toolList(): ToolList | null {
    this.#readJson();
    return this.#said.toolList;
  }

  /** True if an event may be appended to the bytes so far. False once the request was answered, because nothing more may be said about it then. */
  get isBetweenEvents(): boolean {
    return this.#said.outcome === 'none' && this.#sse?.isBetweenEvents === true;
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
      this.#said.given.push(sessionGiven(session));
    }
    if (this.#mayBeginSession && session !== undefined && isSessionId(session)) {
      this.#said.facts['mcp.session.id'] = session;
    }
  }

  bytes(piece: Uint8Array): void {
    const events = this.#sse?.push(piece) ?? [];
    const last = this.#sse?.lastId ?? '';
    const eventIds = new Set([...events.map(({ id }) => id), last].filter((id) => id !== '' && id !== this.#lastEventId));
    this.#said.given.push(...[...eventIds].map((id) => eventGiven(this.#session, id)));
    this.#lastEventId = last;
    for (const event of events) {
      // An event without data only names a point from which the stream can be resumed.
      if (event.data !== '') {
        hearText(this.#said, this.#asked, event.data);
      }
    }
    this.#jsonBytes += piece.length;
    if (this.#jsonBytes <= this.#messageBytesMax) {
      this.#json?.push(Buffer.from(piece));
    }
  }

  finish(take: TakeElsewhere): Promise<void> | null {
    const pieces = this.#json;
    if (pieces === null || this.#jsonBytes <= shortBytes || this.#jsonBytes > this.#messageBytesMax) {
      return null;
    }
    this.#json = null;
    return this.#readLong(take, Buffer.concat(pieces));
  }

  async #readLong(take: TakeElsewhere, body: Buffer): Promise<void> {
    this.#said = await take(step, { said: this.#said, asked: this.#asked, body });
  }

  unreadable(): void {
    this.#said.unread += 1;
  }

  given(): GivenIds {
    const ids = this.#said.given;
    this.#said.given = [];
    return { ids, isNew: true };
  }

  facts(): Attributes {
    this.#readJson();
    const unread = this.#said.unread + (this.#sse?.skipped ?? 0);
    const outcome = this.#said.outcome === 'none' && unread > 0 ? 'unread' : this.#said.outcome;
    return {
      ...this.#said.facts,
      ...(this.#asked.size === 0 ? {} : { [ownAttributes.outcome]: outcome }),
      ...(unread === 0 ? {} : { [ownAttributes.unreadMessages]: unread, [ownAttributes.isWhole]: false }),
      ...(this.#said.asks.size === 0 ? {} : { [ownAttributes.serverRequests]: [...this.#said.asks] }),
      ...toolAttributes(this.#said.toolList),
    };
  }

  #readJson(): void {
    const pieces = this.#json;
    this.#json = null;
    if (pieces === null || this.#jsonBytes === 0) {
      return;
    }
    if (this.#jsonBytes > this.#messageBytesMax) {
      this.#said.unread += 1;
    } else {
      hearText(this.#said, this.#asked, new TextDecoder().decode(Buffer.concat(pieces)));
    }
  }
}

function toolAttributes(list: ToolList | null): Attributes {
  if (list === null) {
    return {};
  }
  const digests = [...list.tools].slice(0, digestsAttributeMax).map(([name, { digest }]) => `${name} ${digest}`);
  return {
    [ownAttributes.tools]: list.tools.size,
    [ownAttributes.toolDigests]: digests,
    ...(list.unread === 0 ? {} : { [ownAttributes.unreadTools]: list.unread }),
  };
}
