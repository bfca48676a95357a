import type { ShownRecord } from '@countersign/gateway/api';
import { readFollowed, type FollowedValue } from '@countersign/gateway/followed-values';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import type { SessionSource } from './session-source.ts';

/** A record in which a value came or went. Everything but its name is null if the record could not be found. */
export interface Place {
  /** `LOG/INDEX`. */
  readonly record: string;
  readonly session: string | null;
  readonly seq: number | null;
  /** ISO 8601, UTC. */
  readonly time: string | null;
  readonly target: string | null;
  /** The action of the request, also on its answer. */
  readonly action: string | null;
}

/** A request that carried a value. Of one that was held, the verdict says what became of it. */
export interface Carrier extends Place {
  readonly verdict: string | null;
  readonly policies: readonly string[];
}

/** One line of `trace --json`: where a value came first, and each request that carried it since. The value itself is nowhere. */
export interface TracedValue {
  readonly class: string;
  /** A keyed digest of the value, by which two values are told apart. */
  readonly print: string;
  readonly source: string;
  readonly from: Place;
  readonly carriedBy: readonly Carrier[];
}

export interface Trace {
  /** The record that was asked about. */
  readonly record: ShownRecord;
  /** The act to which it belongs. A request brings what it carries and what came in its answer, an answer only what came in it. */
  readonly side: 'request' | 'answer';
  readonly values: readonly TracedValue[];
  /** True if values were found in the request that its record does not name one by one. */
  readonly isCut: boolean;
  /** The number of the record of its session from which on further values are not followed; null if all are. */
  readonly forgetsFrom: number | null;
}

/** So many values the record of a request names one by one. */
const carriedMax = 100;
/** The ends of a session after which its activity may go on in a session that it does not name. */
const gatewayEnds: ReadonlySet<string> = new Set(['crash', 'stop', 'cannot_record']);
/** In how many sessions, and in how many records of each, the continuation of such an activity is looked for. */
const successorsMax = 10;
const successorRecordsMax = 1000;

/** Where records are read from. A session that is not there has none. */
type TraceSource = Pick<SessionSource, 'records' | 'sessions'>;

type Decided = Pick<Carrier, 'verdict' | 'policies'>;

interface Carrying extends Decided {
  readonly place: Place & { readonly seq: number };
  /** The request of which this one is a part, or itself. */
  readonly request: number;
  readonly values: readonly FollowedValue[];
}

interface Brought {
  /** The record of the answer. */
  readonly answer: number;
  readonly request: number | undefined;
  readonly values: readonly FollowedValue[];
}

/** Keeps what the records of one session say of values. */
class SessionValues {
  readonly session: string;
  readonly carrying: Carrying[] = [];
  readonly brought: Brought[] = [];
  /** The places where values came first, by the record that a value names. */
  readonly sources = new Map<string, Place>();
  previous: string | null = null;
  next: string | null = null;
  principal: string | null = null;
  /** The runs that it is within and that are within it. */
  readonly family = new Set<string>();
  isEndedByGateway = false;
  forgetsFrom: number | null = null;
  readonly #actions = new Map<number, string | null>();
  /** The answers in which values of classes were found. */
  readonly #answers = new Map<number, Place>();
  readonly #decisions = new Map<number, Decided>();

  constructor(session: string) {
    this.session = session;
  }

  add(record: ShownRecord): void {
    const { seq, kind, attributes, verdict, policies } = record;
    const request = numberOf(attributes[ownAttributes.request]);
    this.previous = textOf(attributes[ownAttributes.previousSession]) ?? this.previous;
    this.next = textOf(attributes[ownAttributes.nextSession]) ?? this.next;
    this.principal ??= record.principal;
    for (const member of [textOf(attributes[ownAttributes.parentSession]), textOf(attributes[ownAttributes.childSession])]) {
      if (member !== null) {
        this.family.add(member);
      }
    }
    if (kind === 'request') {
      this.#actions.set(seq, record.action);
      const values = valuesOf(attributes[ownAttributes.carried]);
      if (values.length > 0) {
        this.carrying.push({ place: { ...placeOf(record), seq }, request: request ?? seq, values, verdict, policies });
      }
    } else if (kind === 'decision' && request !== undefined) {
      this.#decisions.set(request, { verdict, policies });
      // Values that came while the request was held.
      const values = valuesOf(attributes[ownAttributes.carried]);
      if (values.length > 0) {
        this.carrying.push({ place: { ...placeOf(record), seq: request }, request, values, verdict, policies });
      }
    } else if (kind === 'close') {
      this.isEndedByGateway = gatewayEnds.has(textOf(attributes[ownAttributes.closeReason]) ?? '');
    } else if (kind === 'response' && attributes[ownAttributes.classes] !== undefined) {
      this.#answers.set(seq, placeOf(record));
    } else if (kind === 'event') {
      this.#bring(record, request);
      if (attributes[ownAttributes.followedIsCut] === true || attributes[ownAttributes.historyFollowedIsCut] === true) {
        this.forgetsFrom ??= seq;
      }
    }
  }

  #bring(record: ShownRecord, request: number | undefined): void {
    const values = valuesOf(record.attributes[ownAttributes.followed]);
    const answer = numberOf(record.attributes[ownAttributes.answer]);
    if (values.length > 0 && answer !== undefined) {
      this.brought.push({ answer, request, values });
      const place = { ...(this.#answers.get(answer) ?? placeOf(record)), seq: answer, action: this.#actions.get(request ?? -1) ?? null };
      for (const { record: name } of values) {
        this.sources.set(name, place);
      }
    }
  }

  /** Yields the requests that carried a value, in the order of their records. */
  *carriersOf({ name, print }: FollowedValue): Generator<Carrier> {
    for (const { place, values, verdict, policies } of this.carrying) {
      if (values.some((value) => value.print === print && value.name === name)) {
        yield { ...place, ...(this.#decisions.get(place.seq) ?? { verdict, policies }) };
      }
    }
  }
}

/**
 * Follows the values of a record to where they came first, and to the requests that carried them. Reads the session of the record, and of its activity those before
 * it in which values came, and those after it. Rejects with an Error if the record belongs to no request and no answer.
 */
export async function traceValues(record: ShownRecord, source: TraceSource): Promise<Trace> {
  const { kind, seq, session, attributes } = record;
  const request = numberOf(attributes[ownAttributes.request]);
  const isMessage = attributes[ownAttributes.websocketOpcode] !== undefined;
  const side = sideOf(record);
  const own = await readValues(session, source);
  const asked = kind === 'request' && (isMessage || request === undefined) ? seq : request;
  // Over WebSocket, the answers to all messages name one request.
  const answer = kind === 'response' && !isMessage && request !== undefined ? null : (numberOf(attributes[ownAttributes.answer]) ?? seq);
  const carrying = side === 'answer' ? [] : own.carrying.filter((each) => each.place.seq === asked || each.request === asked);
  const brought = own.brought.filter((each) => (side === 'request' || answer === null ? each.request === asked : each.answer === answer));
  const wanted = new Map([...carrying, ...brought].flatMap((each) => each.values).map((value) => [`${value.name} ${value.print}`, value]));
  const sessions = wanted.size === 0 ? [own] : await readActivity(own, [...wanted.values()], source);
  const values = Array.from(wanted.values(), (value) => ({
    class: value.name,
    print: value.print,
    source: value.source,
    from: sourceOf(value, sessions) ?? { record: value.record, session: null, seq: null, time: null, target: null, action: null },
    carriedBy: sessions.flatMap((each) => [...each.carriersOf(value)]).toSorted((a, b) => String(a.time).localeCompare(String(b.time))),
  }));
  return { record, side, values, isCut: carrying.some((each) => each.values.length >= carriedMax), forgetsFrom: own.forgetsFrom };
}

function sideOf({ kind, record, session, attributes }: ShownRecord): Trace['side'] {
  const isTied = attributes[ownAttributes.request] !== undefined;
  const isOfAnswer = attributes[ownAttributes.answer] !== undefined || (kind === 'event' && attributes[ownAttributes.classes] !== undefined);
  if (kind === 'response' || isOfAnswer) {
    return 'answer';
  }
  if (kind === 'request' || (isTied && kind !== 'event')) {
    return 'request';
  }
  throw new Error(`${record} is of the kind ${kind} and belongs to no request: countersign session show ${session} has the requests (→) and the answers (←)`);
}

async function readValues(session: string, source: TraceSource): Promise<SessionValues> {
  const values = new SessionValues(session);
  for await (const record of source.records(session)) {
    values.add(record);
  }
  return values;
}

/** Reads the other sessions of the activity of a session, as far as values can have come or gone in them. Returns them all, in the order of the activity. */
async function readActivity(own: SessionValues, wanted: readonly FollowedValue[], source: TraceSource): Promise<readonly SessionValues[]> {
  const sessions = [own];
  for (let { previous } = own; previous !== null && sessions.every(({ session }) => session !== previous);) {
    const places = wanted.map((value) => sourceOf(value, sessions));
    const first = places.map((place) => place?.time ?? '').toSorted()[0] ?? '';
    // The channels of a session that was continued may go on beside the next one.
    if (!places.includes(undefined) && (await closedOf(previous, source)) < first) {
      break;
    }
    const before = await readValues(previous, source);
    sessions.unshift(before);
    ({ previous } = before);
  }
  for (let next = await nextOf(own, source); next !== null && sessions.every(({ session }) => session !== next);) {
    const after = await readValues(next, source);
    sessions.push(after);
    next = await nextOf(after, source);
  }
  for (const each of sessions) {
    for (const member of each.family) {
      if (sessions.every(({ session }) => session !== member)) {
        sessions.push(await readValues(member, source));
      }
    }
  }
  return sessions;
}

/** Returns the time at which a session was closed, and for an open one a text that is greater than every time. */
async function closedOf(session: string, source: TraceSource): Promise<string> {
  for await (const { closed } of source.sessions({ which: 'all', begin: session })) {
    return closed ?? '~';
  }
  return '~';
}

/** Returns the session that continues the activity of this one; null if there is none. After a restart of the gateway, only the later session names the earlier one. */
async function nextOf({ session, next, principal, isEndedByGateway }: SessionValues, source: TraceSource): Promise<string | null> {
  if (next !== null || !isEndedByGateway) {
    return next;
  }
  let looked = 0;
  for await (const later of source.sessions({ which: 'clients', after: session })) {
    if (later.principal === principal) {
      looked += 1;
      if (looked > successorsMax) {
        return null;
      }
      if ((await previousOf(later.session, source)) === session) {
        return later.session;
      }
    }
  }
  return null;
}

async function previousOf(session: string, source: TraceSource): Promise<string | null> {
  let count = 0;
  for await (const { attributes } of source.records(session)) {
    const previous = textOf(attributes[ownAttributes.previousSession]);
    count += 1;
    if (previous !== null || count >= successorRecordsMax) {
      return previous;
    }
  }
  return null;
}

function sourceOf({ record }: FollowedValue, sessions: readonly SessionValues[]): Place | undefined {
  return sessions.map((each) => each.sources.get(record)).find((place) => place !== undefined);
}

function placeOf({ record, session, seq, time, target, action }: ShownRecord): Place {
  return { record, session, seq, time, target, action };
}

type Value = ShownRecord['attributes'][string] | undefined;

function valuesOf(value: Value): readonly FollowedValue[] {
  return Array.isArray(value) ? value.flatMap((text) => readFollowed(text) ?? []) : [];
}

function numberOf(value: Value): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function textOf(value: Value): string | null {
  return typeof value === 'string' ? value : null;
}
