import type { Attributes, GivenIds } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Frame } from '../../content/frame.ts';
import type { Framer } from '../../content/framer.ts';
import { headerOf, type AnswerReading, type ResponseHead } from '../../exchange/reading.ts';
import { shortBytes, type TakeElsewhere } from '../../exchange/step.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { formOf, framerOf, type Form } from './answer-form.ts';
import { step } from './answer-step.ts';
import { eventGiven, sessionGiven } from './given-ids.ts';
import { type AskedRequest, hearText, type Said } from './heard.ts';
import type { ToolList } from './tool-definitions.ts';
import { isSessionId } from './revision.ts';

/** Most tools whose digests are attributes of the answer that lists them. */
const digestsAttributeMax = 200;

/** Reads the answer to a POST, or the server's own stream. Never throws. */
export class AnswerFollower implements AnswerReading {
  /** The requests by the text of their ids: some clients take "1" for an answer to 1. */
  readonly #asked: ReadonlyMap<string, AskedRequest>;
  readonly #mayBeginSession: boolean;
  readonly #messageBytesMax: number;
  readonly #sent: AnswerFollower | null;
  /** Null: the answer has not begun. */
  #form: Form | null = null;
  /** A message that is too long to be read at once. Null: there is none. */
  #long: Buffer | null = null;
  #said: Said = { outcome: 'none', unread: 0, toolList: null, asks: new Set(), facts: {}, given: [] };
  /** The id of the MCP session to which the answer belongs; empty if there is none. */
  #session: string;
  #lastEventId = '';

  /**
   * `session` is the session of the request; empty if there is none. `messageBytesMax` is for one message that is held to be read; the record has all of it.
   */
  constructor(asked: readonly AskedRequest[], session = '', messageBytesMax = defaultEventBytesMax, isSent = false) {
    const mayList = asked.length === 0 || asked.some(({ method }) => method === 'tools/list');
    this.#sent = mayList && !isSent ? new AnswerFollower(asked, session, messageBytesMax, true) : null;
    this.#session = session;
    this.#messageBytesMax = messageBytesMax;
    this.#asked = new Map(asked.map((request) => [request.id.text, request]));
    this.#mayBeginSession = asked.some(({ method }) => method === 'initialize');
  }

  /** The tool definitions that the answer listed, for `compareTools`; null if it listed none so far. Where policy changes texts of the answer, they are those that the server sent. */
  get toolList(): ToolList | null {
    const { toolList } = this.#said;
    return this.#sent === null || this.#sent.#form === null || toolList === null ? toolList : asSent(toolList, this.#sent.toolList);
  }

  /** Reads the answer as the server sent it; null if it cannot list tools. Nothing else of it counts. */
  get sent(): AnswerFollower | null {
    return this.#sent;
  }

  /** Returns true once the request was answered, because nothing more may be said about it then. */
  isOver(): boolean {
    return this.#said.outcome !== 'none';
  }

  framer(head: ResponseHead): Framer {
    return framerOf(head, this.#messageBytesMax);
  }

  head(head: ResponseHead): void {
    const session = headerOf(head.headers, 'mcp-session-id');
    this.#form = formOf(head);
    if (session !== undefined && session !== this.#session) {
      this.#session = session;
      this.#said.given.push(sessionGiven(session));
    }
    if (this.#mayBeginSession && session !== undefined && isSessionId(session)) {
      this.#said.facts['mcp.session.id'] = session;
    }
  }

  frame(frame: Frame): void {
    switch (frame.is) {
      case 'event':
        this.#noteEventId(frame.event.id);
        // An event without data only names a point from which the stream can be resumed.
        if (frame.event.data !== '') {
          hearText(this.#said, this.#asked, frame.event.data);
        }
        break;
      case 'other':
      case 'unended':
        this.#noteEventId(frame.id ?? '');
        break;
      case 'whole':
        if (this.#form === 'json' && frame.bytes.length > shortBytes) {
          this.#long = frame.bytes;
        } else if (this.#form === 'json') {
          hearText(this.#said, this.#asked, new TextDecoder().decode(frame.bytes));
        }
        break;
      case 'long':
        this.#said.unread += this.#form === 'other' ? 0 : 1;
        break;
      case 'message':
      case 'document':
      case 'damaged':
      case 'rest':
        break;
      default:
        frame satisfies never;
    }
  }

  finish(take: TakeElsewhere): Promise<void> | null {
    const long = this.#long;
    const sent = this.#sent?.finish(take) ?? null;
    this.#long = null;
    return long === null ? sent : Promise.all([sent, this.#readLong(take, long)]).then(() => undefined);
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
    const { unread } = this.#said;
    const outcome = this.#said.outcome === 'none' && unread > 0 ? 'unread' : this.#said.outcome;
    return {
      ...this.#said.facts,
      ...(this.#asked.size === 0 ? {} : { [ownAttributes.outcome]: outcome }),
      ...(unread === 0 ? {} : { [ownAttributes.unreadMessages]: unread, [ownAttributes.isWhole]: false }),
      ...(this.#said.asks.size === 0 ? {} : { [ownAttributes.serverRequests]: [...this.#said.asks] }),
      ...toolAttributes(this.toolList),
    };
  }

  #noteEventId(id: string): void {
    if (id !== '' && id !== this.#lastEventId) {
      this.#lastEventId = id;
      this.#said.given.push(eventGiven(this.#session, id));
    }
  }
}

/**
 * Returns the tools of a list as the server sent them. A tool whose name was changed is left out, because its name is for nobody to know: a list without it may not be whole. A digest of what
 * policy leaves of a definition would be another one for each policy, and the same for definitions that differ in what was masked.
 */
function asSent({ tools, isWhole, unread }: ToolList, sent: ToolList | null): ToolList {
  const known = new Map([...tools.keys()].flatMap((name) => [sent?.tools.get(name)].flatMap((tool) => (tool === undefined ? [] : [[name, tool] as const]))));
  return { tools: known, isWhole: isWhole && known.size === tools.size, unread };
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
