import { readFollowed, type FollowedValue } from '../domain/followed-values.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { ShownRecord } from './shown-record.ts';

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

/** The ends of a session after which its activity may go on in a session that it does not name. */
const gatewayEnds: ReadonlySet<string> = new Set(['crash', 'stop', 'cannot_record']);
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
export class SessionValues {
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

  /** Returns what became of a request that was decided on later; undefined if it was not. */
  decidedLater(request: number): Decided | undefined {
    return this.#decisions.get(request);
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

export function placeOf({ record, session, seq, time, target, action }: ShownRecord): Place {
  return { record, session, seq, time, target, action };
}

type Value = ShownRecord['attributes'][string] | undefined;

function valuesOf(value: Value): readonly FollowedValue[] {
  return Array.isArray(value) ? value.flatMap((text) => readFollowed(text) ?? []) : [];
}

export function numberOf(value: Value): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function textOf(value: Value): string | null {
  return typeof value === 'string' ? value : null;
}
