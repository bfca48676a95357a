import type { FollowedValue } from '../domain/followed-values.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { SessionCauses, type SessionCause } from './session-causes.ts';
import { numberOf, placeOf, SessionValues, textOf, type Carrier, type Place } from './session-values.ts';
import type { SessionPage, SessionSummary, ShownRecord } from './shown-record.ts';

/** A request that was made for another one, or that other one. */
type Tie = Carrier & Omit<SessionCause, 'request'>;

/** One line of `trace --json`: where a value came first, and the requests that carried it since. The value itself is nowhere. */
export interface TracedValue {
  readonly class: string;
  /** A keyed digest of the value, by which two values are told apart. */
  readonly print: string;
  readonly source: string;
  readonly from: Place;
  readonly carriedBy: readonly Carrier[];
  /** How many further requests carried it. */
  readonly carriersLeftOut: number;
}

export interface Trace {
  /** The record that was asked about. */
  readonly record: ShownRecord;
  /** The act to which it belongs. A request brings what it carries and what came in its answer, an answer only what came in it. Null: it belongs to no request. */
  readonly side: 'request' | 'answer' | null;
  readonly values: readonly TracedValue[];
  /** The request for which the one of the record was made. */
  readonly causedBy: Tie | null;
  /** The requests that were made for it. */
  readonly caused: readonly Tie[];
  readonly causedLeftOut: number;
  /** True if values were found in the request that its record does not name one by one. */
  readonly isCut: boolean;
  /** The number of the record of its session from which on further values are not followed; null if all are. */
  readonly forgetsFrom: number | null;
  /** The sessions that were read for it: that of the record, and others of its activity. */
  readonly sessions: readonly string[];
  /** False: the activity has more sessions than are read. */
  readonly isWholeActivity: boolean;
}

/** The place of a record in its session. */
export interface TracedPlace {
  readonly session: string;
  readonly seq: number;
}

/** Most requests that a trace names: of each value, of all values together, and that were made for one. */
const carriersMax = 500;
const carriersOfAllMax = 5000;
const causedMax = 500;
/** Most sessions of an activity that are read. */
const sessionsMax = 100;
/** So many values the record of a request names one by one. */
const carriedMax = 100;
/** In how many sessions, and in how many records of each, the continuation of such an activity is looked for. */
const successorsMax = 10;
const successorRecordsMax = 1000;

/** Where records are read from. A session that is not there has none. */
export interface TraceSource {
  readonly records: (session: string) => AsyncIterable<ShownRecord>;
  readonly sessions: (page: SessionPage) => AsyncIterable<SessionSummary>;
}

/** The session of a record: its values, and which of its requests were made for which. */
interface OwnSession {
  readonly record: ShownRecord;
  readonly values: SessionValues;
  readonly causes: SessionCauses;
  /** All requests, by number. */
  readonly requests: ReadonlyMap<number, Carrier>;
}

/**
 * Follows the values of a record to where they came first, and to the requests that carried them, and finds what the record was made for, and what was made for it. Reads the session of the record, and of its
 * activity those before it in which values came, and those after it. Rejects with an Error if the record is not there.
 */
export async function traceRecord(place: TracedPlace, source: TraceSource): Promise<Trace> {
  const own = await readOwn(place, source);
  const { record, values: ownValues, causes } = own;
  const { kind, seq, attributes } = record;
  const request = numberOf(attributes[ownAttributes.request]);
  const isMessage = attributes[ownAttributes.websocketOpcode] !== undefined;
  const side = sideOf(record);
  const asked = kind === 'request' && (isMessage || request === undefined) ? seq : request;
  // Over WebSocket, the answers to all messages name one request.
  const answer = kind === 'response' && !isMessage && request !== undefined ? null : (numberOf(attributes[ownAttributes.answer]) ?? seq);
  const carrying = side === 'request' ? ownValues.carrying.filter((each) => each.place.seq === asked || each.request === asked) : [];
  const brought =
    side === null ? [] : ownValues.brought.filter((each) => (side === 'request' || answer === null ? each.request === asked : each.answer === answer));
  const wanted = new Map([...carrying, ...brought].flatMap((each) => each.values).map((value) => [`${value.name} ${value.print}`, value]));
  const { sessions, isWhole } = wanted.size === 0 ? { sessions: [ownValues], isWhole: true } : await readActivity(ownValues, [...wanted.values()], source);
  const cause = side === null ? null : causes.causeOf(asked ?? seq);
  const caused = side === null ? [] : causes.causedBy(asked ?? seq);
  return {
    record,
    side,
    values: [...valuesIn(sessions, [...wanted.values()])],
    causedBy: cause === null ? null : tieTo(own, cause.request, cause),
    caused: caused.slice(0, causedMax).flatMap((each) => tieTo(own, each, causes.causeOf(each)) ?? []),
    causedLeftOut: Math.max(0, caused.length - causedMax),
    isCut: carrying.some((each) => each.values.length >= carriedMax),
    forgetsFrom: ownValues.forgetsFrom,
    sessions: sessions.map(({ session }) => session),
    isWholeActivity: isWhole,
  };
}

/** Follows values through the sessions of an activity. */
function* valuesIn(sessions: readonly SessionValues[], wanted: readonly FollowedValue[]): Generator<TracedValue> {
  let left = carriersOfAllMax;
  for (const value of wanted) {
    const carriers = sessions.flatMap((each) => [...each.carriersOf(value)]).toSorted((a, b) => String(a.time).localeCompare(String(b.time)));
    const carriedBy = carriers.slice(0, Math.min(left, carriersMax));
    left -= carriedBy.length;
    yield {
      class: value.name,
      print: value.print,
      source: value.source,
      from: sourceOf(value, sessions) ?? { record: value.record, session: null, seq: null, time: null, target: null, action: null },
      carriedBy,
      carriersLeftOut: carriers.length - carriedBy.length,
    };
  }
}

function tieTo({ requests, values }: OwnSession, seq: number, cause: SessionCause | null): Tie | null {
  const request = requests.get(seq);
  return request === undefined || cause === null ? null : { ...request, ...values.decidedLater(seq), call: cause.call, isCertain: cause.isCertain };
}

function sideOf({ kind, attributes }: ShownRecord): Trace['side'] {
  const isTied = attributes[ownAttributes.request] !== undefined;
  const isOfAnswer = attributes[ownAttributes.answer] !== undefined || (kind === 'event' && attributes[ownAttributes.classes] !== undefined);
  if (kind === 'response' || isOfAnswer) {
    return 'answer';
  }
  return kind === 'request' || (isTied && kind !== 'event') ? 'request' : null;
}

async function readOwn({ session, seq }: TracedPlace, source: TraceSource): Promise<OwnSession> {
  const values = new SessionValues(session);
  const causes = new SessionCauses();
  const requests = new Map<number, Carrier>();
  let record: ShownRecord | null = null;
  for await (const each of source.records(session)) {
    values.add(each);
    causes.add(each);
    if (each.kind === 'request') {
      requests.set(each.seq, { ...placeOf(each), verdict: each.verdict, policies: each.policies });
    }
    if (each.seq === seq) {
      record = { ...each, content: null };
    }
  }
  if (record === null) {
    throw new Error(`session ${session} has no record ${seq}`);
  }
  return { record, values, causes, requests };
}

async function readValues(session: string, source: TraceSource): Promise<SessionValues> {
  const values = new SessionValues(session);
  for await (const record of source.records(session)) {
    values.add(record);
  }
  return values;
}

/** Reads the other sessions of the activity of a session, as far as values can have come or gone in them. Returns them all, in the order of the activity, and whether there are no more. */
async function readActivity(
  own: SessionValues,
  wanted: readonly FollowedValue[],
  source: TraceSource,
): Promise<{ readonly sessions: readonly SessionValues[]; readonly isWhole: boolean }> {
  const sessions = [own];
  const hasRoom = (): boolean => sessions.length < sessionsMax;
  for (let { previous } = own; hasRoom() && previous !== null && sessions.every(({ session }) => session !== previous);) {
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
  for (let next = await nextOf(own, source); hasRoom() && next !== null && sessions.every(({ session }) => session !== next);) {
    const after = await readValues(next, source);
    sessions.push(after);
    next = await nextOf(after, source);
  }
  for (const each of sessions) {
    for (const member of each.family) {
      if (hasRoom() && sessions.every(({ session }) => session !== member)) {
        sessions.push(await readValues(member, source));
      }
    }
  }
  return { sessions, isWhole: hasRoom() };
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
