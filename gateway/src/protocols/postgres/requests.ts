import type { Attributes } from '../../domain/action.ts';
import { encode, Fields, int16, type Message } from './codec.ts';
import { owedBy } from './answers.ts';

/** Named statements and portals of one connection that are remembered; the oldest is forgotten first. */
const rememberedMax = 10_000;

/** Messages of the client that are decided on, recorded and forwarded as one. */
export interface Unit {
  readonly action: string;
  readonly messages: Message[];
  readonly owed: string[];
  readonly isExtended: boolean;
  readonly hasSync: boolean;
}

const extended = new Set(['P', 'B', 'D', 'E', 'C', 'S', 'H']);

export function isExtendedMessage(type: string): boolean {
  return extended.has(type);
}

/**
 * Groups the messages of the extended protocol: everything up to an Execute, with a Sync or Flush directly behind it, is one act. What comes without
 * an Execute ends at Sync or Flush.
 */
export class UnitBuilder {
  #messages: Message[] = [];

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  get bytes(): number {
    return this.#messages.reduce((sum, message) => sum + message.bytes.length, 0);
  }

  /** Returns the unit when `message` completes one; `next` is the type of the message behind it, if that is there already. */
  add(message: Message): void {
    this.#messages.push(message);
  }

  /** The last message of the group is an Execute, Sync or Flush. */
  get isComplete(): boolean {
    const type = this.#messages.at(-1)?.type;
    return type === 'E' || type === 'S' || type === 'H';
  }

  take(): Unit {
    const messages = this.#messages;
    this.#messages = [];
    const executes = messages.some((message) => message.type === 'E');
    return {
      action: executes ? 'postgres.execute' : 'postgres.prepare',
      messages,
      owed: messages.flatMap((message) => owedBy(message.type) ?? []),
      isExtended: true,
      hasSync: messages.some((message) => message.type === 'S'),
    };
  }

  drop(): void {
    this.#messages = [];
  }
}

/** Which record has the text of a statement, and the parameters of a portal. */
export class Statements {
  readonly #statements = new Map<string, number>();
  readonly #portals = new Map<string, { readonly bind: number; readonly parse: number | null }>();

  /** Where to find what this unit refers to and does not hold: sequence numbers of earlier records. */
  references(unit: Unit): Attributes {
    let parse: number | null = null;
    let bind: number | null = null;
    const parsedHere = new Set<string>();
    const boundHere = new Set<string>();
    for (const { type, bytes } of unit.messages) {
      if (type === 'P') {
        parsedHere.add(new Fields(bytes).text());
      } else if (type === 'B') {
        const fields = new Fields(bytes);
        boundHere.add(fields.text());
        const statement = fields.text();
        parse = parsedHere.has(statement) ? parse : (this.#statements.get(statement) ?? parse);
      } else if (type === 'E') {
        const portal = new Fields(bytes).text();
        const earlier = boundHere.has(portal) ? undefined : this.#portals.get(portal);
        bind = earlier?.bind ?? bind;
        parse = earlier?.parse ?? parse;
      }
    }
    if (parse === null && bind === null) {
      return none;
    }
    return { ...(parse === null ? {} : { 'countersign.parse': parse }), ...(bind === null ? {} : { 'countersign.bind': bind }) };
  }

  /** The unit was forwarded as record `seq`. */
  remember(unit: Unit, seq: number): void {
    for (const { type, bytes } of unit.messages) {
      if (type === 'P') {
        keep(this.#statements, new Fields(bytes).text(), seq);
      } else if (type === 'B') {
        const fields = new Fields(bytes);
        const portal = fields.text();
        keep(this.#portals, portal, { bind: seq, parse: this.#statements.get(fields.text()) ?? null });
      }
    }
  }
}

const none: Attributes = {};

function keep<Value>(map: Map<string, Value>, name: string, value: Value): void {
  map.delete(name);
  map.set(name, value);
  if (map.size > rememberedMax) {
    const [oldest] = map.keys();
    map.delete(oldest ?? '');
  }
}

/** A message that the target answers with an error, whatever its state: it fails the transaction that a refused statement was part of. */
export function failingMessage(isExtended: boolean): Message {
  const bytes = isExtended
    ? encode('B', '', 'countersign: refused', int16(0), int16(0), int16(0))
    : encode('Q', 'countersign refused this statement');
  return { type: isExtended ? 'B' : 'Q', bytes };
}
