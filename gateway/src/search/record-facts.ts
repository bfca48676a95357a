import { ownAttributes } from '../domain/own-attributes.ts';
import type { Attributes, AttributeValue } from '../domain/action.ts';
import { disconnectAction, type OpenedRecord } from '../domain/record.ts';
import { smallMemory, Timeline, type FindProtocol, type TimelineOptions } from '../feed/timeline.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import { fieldOf, queryFields, type QueryFieldName } from '../query/fields.ts';
import type { Facts } from '../query/matches.ts';
import { wordsOf } from '../query/words.ts';

/** The attributes that a reader adds to those of the record, and by which it can be found. The others are places in the session, or are made of content: that is looked for as text. */
const addedAttributes: ReadonlySet<string> = new Set([
  'session.id',
  'user.id',
  'user.roles',
  'client.address',
  'gen_ai.tool.call.id',
  ownAttributes.onBehalfOf,
  ownAttributes.obligations,
  ownAttributes.policyVersion,
  ownAttributes.undecided,
  ownAttributes.observed,
  ownAttributes.reason,
  ownAttributes.continues,
  ownAttributes.withheld,
]);
/** A longer value counts as its beginning. */
const valueLengthMax = 256;
/** Most characters of an answer in several records that are joined, so that words and phrases are found that are divided among them. */
const joinedCharactersMax = 1024 * 1024;
/** Most requests, and most channels, of a session whose facts are remembered for what belongs to them. The oldest are forgotten first. */
const rememberedMax = 10_000;
const operation = 'gen_ai.operation.name';
const callIds = 'gen_ai.tool.call.id';
const inheritedFields: readonly string[] = [...keysOf(queryFields).filter((name) => 'isInherited' in queryFields[name]), operation];
/** The fields that say which values are in a content. They count for all records that show it. */
const markFields: readonly string[] = ['class', ownAttributes.carries, ownAttributes.inspected];
const changing: ReadonlySet<string> = new Set(['write', 'define', 'destroy']);
const tokenCounts = ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens'] as const;
const environmentTag = 'environment=';

/** The kinds of records that have the values of the request to which they belong. */
const heirs: ReadonlySet<string> = new Set(['request', 'response', 'decision', 'approval', 'mask', 'alert']);

type Values = ReadonlyMap<string, readonly string[]>;

/** Something that is remembered of a record. `index` is the record's index in the log. */
interface Noted<Kept> {
  readonly kept: Kept;
  readonly index: number;
}

/** A request or an answer whose last part is still to come. `index` is the index in the log of the part that came last. */
interface Begun {
  /** The texts of its parts, up to a limit, and how many characters they have. */
  readonly texts: readonly string[];
  readonly characters: number;
  readonly index: number;
  readonly channel: number;
  readonly ofRequest: Values | undefined;
  /** The marks of its parts. */
  readonly marks: Values;
}

interface Read {
  readonly shown: ShownRecord;
  /** The number of the request to which the record belongs; -1: none. */
  readonly request: number;
  readonly ofRequest: Values | undefined;
  readonly values: Map<string, readonly string[]>;
}

/** A record as people see it, and as queries see it. */
export interface ReadRecord {
  readonly shown: ShownRecord;
  readonly facts: Facts;
  /** The text in which words are looked for. */
  readonly text: string;
  /** The indexes in the log of the earlier records that must be read first, if this one is read without the rest of its session. */
  readonly needs: ReadonlySet<number>;
  /** The indexes in the log of the earlier parts whose text, and facts, this record has too: it goes on with what they began, ends it, or breaks it off. */
  readonly joins: readonly number[];
}

/** Reads the opened records of one session, which are given in order. */
export class FactReader {
  readonly #timeline: Timeline;
  /** The values that what belongs to a request has too, and those that what goes over a channel has: by the number of the request, and of the record that opened the channel. */
  readonly #requests = new Map<number, Noted<Values>>();
  readonly #channels = new Map<number, Noted<Values>>();

  /** The models that asked for tool calls, by the ids of the calls. */
  readonly #callers = new Map<string, Noted<string>>();
  #needs = new Set<number>();
  #joins: number[] = [];

  /** The requests and answers whose last part is still to come, by their kind and the number of the request. */
  readonly #begun = new Map<string, Begun>();

  constructor(findProtocol: FindProtocol, { hasTables = false }: Pick<TimelineOptions, 'hasTables'> = {}) {
    this.#timeline = new Timeline(findProtocol, { memory: smallMemory, hasTables });
  }

  /** Reads a record. `needed` are the indexes in the log of those without which it cannot be opened. */
  read(record: OpenedRecord, needed: ReadonlySet<number>): ReadRecord {
    const shown = this.#timeline.show(record);
    const index = indexOf(record);
    this.#needs = new Set(needed);
    this.#joins = [];
    for (const used of this.#timeline.used) {
      this.#needs.add(indexOf(used));
    }
    const request = numberOf(shown.attributes[ownAttributes.request]);
    const ofRequest = heirs.has(record.kind) ? this.#need(this.#requests.get(request)) : undefined;
    const values = valuesOf(record, shown, ofRequest);
    for (const { kind, meta } of this.#timeline.used) {
      // Answers to other requests say only how columns are called.
      if (kind === record.kind && (kind === 'request' || meta?.request === record.meta?.request)) {
        addMarks(values, marksOf(meta?.attributes ?? {}));
      }
    }
    this.#nameCallers(record, shown, values);
    if (record.kind === 'request') {
      remember(this.#requests, record.seq, { kept: only(values, inheritedFields), index });
    }
    const opening = numberOf(shown.attributes[ownAttributes.opening]);
    if (opening === record.seq) {
      remember(this.#channels, record.seq, { kept: channelValues(record), index });
    }
    for (const [field, of] of this.#need(this.#channels.get(opening)) ?? []) {
      values.set(field, of);
    }
    const text = endsAnswers(record) ? this.#end(record, values) : this.#textOf(record, { shown, request, ofRequest, values });
    const needs = this.#needs;
    needs.delete(index);
    // The words by which somebody asked are not what was recorded of them: after an erasure they would find the erasure, and be in the index for longer.
    const words = actorKinds.has(record.kind) ? [] : wordsOf(text);
    return { shown, text, needs, joins: this.#joins, facts: { timeMs: record.timeMs, values, words } };
  }

  #need<Kept>(noted: Noted<Kept> | undefined): Kept | undefined {
    if (noted !== undefined) {
      this.#needs.add(noted.index);
    }
    return noted?.kept;
  }

  #join(index: number): void {
    this.#needs.add(index);
    this.#joins.push(index);
  }

  /** Gives a request that a tool call caused, as far as is known, the model that asked for the call. */
  #nameCallers(record: OpenedRecord, { attributes }: ShownRecord, values: Map<string, readonly string[]>): void {
    const [model] = values.get('model') ?? [];
    const { kind } = record;
    if (kind === 'response' && model !== undefined) {
      for (const id of textsOf(attributes[callIds])) {
        remember(this.#callers, id, { kept: model, index: indexOf(record) });
      }
    } else if (kind === 'request' && model === undefined) {
      const ids = [...textsOf(attributes[callIds]), ...textsOf(attributes[ownAttributes.likelyToolCalls])];
      set(values, 'model', [...new Set(ids.map((id) => this.#need(this.#callers.get(id))))]);
    }
  }

  /** The text of a record. The last part of a request or an answer has the text, and the marks, of all of its parts. */
  #textOf(record: OpenedRecord, { shown, request, ofRequest, values }: Read): string {
    const text = shown.content?.text ?? '';
    const { seq, kind, continues, meta } = record;
    if (kind !== 'request' && kind !== 'response') {
      return text;
    }
    const id = `${kind} ${kind === 'request' && request < 0 ? seq : request}`;
    const begun = this.#begun.get(id);
    this.#begun.delete(id);
    if (begun !== undefined) {
      this.#join(begun.index);
    }
    const { texts = [], characters = 0 } = begun ?? {};
    if (continues) {
      const marks = new Map(begun?.marks);
      addMarks(marks, only(values, markFields));
      const kept = text.slice(0, joinedCharactersMax - characters);
      const all = kept === '' ? texts : [...texts, kept];
      remember(this.#begun, id, { texts: all, characters: characters + kept.length, index: indexOf(record), channel: meta?.channel ?? -1, ofRequest, marks });
      return text;
    }
    addMarks(values, begun?.marks ?? new Map());
    return texts.length === 0 ? text : `${texts.join('')}${text}`;
  }

  /** Gives the record with which a channel or a session ends the values of the answers that it breaks off. Returns their texts. */
  #end({ kind, meta }: OpenedRecord, values: Map<string, readonly string[]>): string {
    const broken = [...this.#begun].filter(([, { channel }]) => kind === 'close' || channel === meta?.channel);
    for (const [id, { ofRequest, index, marks }] of broken) {
      this.#begun.delete(id);
      this.#join(index);
      for (const [field, of] of ofRequest ?? []) {
        values.set(field, [...new Set([...(values.get(field) ?? []), ...of])]);
      }
      addMarks(values, marks);
      if (isOfModel(ofRequest)) {
        values.set('kind', [...new Set([kind, 'output'])]);
      }
    }
    return broken.map(([, { texts }]) => texts.join('')).join('\n');
  }
}

/** The index of a record in the log. */
function indexOf({ record }: OpenedRecord): number {
  return Number(record.slice(record.indexOf('/') + 1));
}

/** Returns whether with the record a channel or its session ends, and with it the answers that are not complete. */
function endsAnswers({ kind, meta }: OpenedRecord): boolean {
  return kind === 'close' || (kind === 'event' && meta?.action === disconnectAction);
}

function valuesOf(record: OpenedRecord, shown: ShownRecord, ofRequest: Values | undefined): Map<string, readonly string[]> {
  const { attributes } = shown;
  const values = new Map<string, readonly string[]>();
  const own = record.meta?.attributes ?? {};
  const ofKind = `countersign.${record.kind}.`;
  // Pairs of names and values would be many short-lived arrays.
  for (const name of Object.keys(attributes)) {
    if (addedAttributes.has(name) || own[name] !== undefined || name.startsWith(ofKind)) {
      set(values, fieldOf(name), textsOf(attributes[name]));
    }
  }
  const { channelFacts: channel, meta } = record;
  const actor = actorOf(record);
  const note = (field: QueryFieldName, of: readonly (string | null | undefined)[]): void => {
    set(values, field, of);
  };
  if (actor !== null) {
    note('principal', [...(values.get('principal') ?? []), ...actor.by]);
    note('address', [...(values.get('address') ?? []), ...actor.addresses]);
  }
  note('on-behalf-of', [channel?.onBehalfOf]);
  note('target', [shown.target ?? askedTarget(record)]);
  note('protocol', [shown.protocol]);
  note('action', [shown.action]);
  note('verdict', [meta?.verdict]);
  note('policy', shown.policies);
  note('bytes', [shown.content?.bytes.toString()]);
  note('tokens', [tokensOf(attributes)]);
  note(
    'masked',
    textsOf(attributes[ownAttributes.masked]).map((text) => text.slice(0, text.lastIndexOf('='))),
  );
  note('kind', [record.kind, ...saidKindsOf(record, values, ofRequest)]);
  for (const [field, of] of ofRequest ?? []) {
    if (!values.has(field)) {
      values.set(field, of);
    }
  }
  return values;
}

/** Returns the target that a refused client asked for; null: none is named. */
function askedTarget({ kind, meta }: OpenedRecord): string | null {
  const { [ownAttributes.target]: target } = meta?.attributes ?? {};
  return kind === 'decision' && typeof target === 'string' ? target : null;
}

/** The kinds of records of the gateway whose content says who acted. */
const actorKinds: ReadonlySet<string> = new Set(['access', 'hold', 'erasure', 'reconcile']);

/** Returns who read, searched, or had something kept or erased, and who confirmed it, of a record that says so; null: it is no such record, or its body is missing. */
function actorOf({ kind, content }: OpenedRecord): { readonly by: readonly string[]; readonly addresses: readonly string[] } | null {
  if (!actorKinds.has(kind) || content === null) {
    return null;
  }
  const { by, address, addresses = address }: Readonly<Record<string, unknown>> = JSON.parse(Buffer.from(content).toString());
  return { by: namesIn(by), addresses: namesIn(addresses) };
}

function namesIn(said: unknown): readonly string[] {
  return [said].flat().filter((name) => typeof name === 'string');
}

/** The words by which people ask for the record, besides its kind. Of what is in several records it is the last, which has the text of all. */
function saidKindsOf({ kind, meta, continues }: OpenedRecord, values: Values, ofRequest: Values | undefined): readonly string[] {
  if (continues) {
    return [];
  }
  if (kind === 'response') {
    const hasRows = values.has('rows') || values.has(ownAttributes.partRows);
    return [...(isOfModel(ofRequest) ? ['output'] : []), ...(hasRows ? ['rows'] : [])];
  }
  if (kind !== 'request') {
    return [];
  }
  const has = (field: string): boolean => values.has(field) || ofRequest?.has(field) === true;
  const changes = (values.get('effect') ?? ofRequest?.get('effect') ?? []).some((effect) => changing.has(effect));
  return [
    ...(isOfModel(values) || isOfModel(ofRequest) ? ['prompt'] : []),
    ...(has('tool') ? ['tool'] : []),
    ...(has('verb') || meta?.attributes?.['db.query.text'] !== undefined ? ['statement'] : []),
    ...(changes ? ['change'] : []),
  ];
}

/** Returns whether a request, or the request of an answer, is one to a model. */
function isOfModel(values: Values | undefined): boolean {
  const [name] = values?.get(operation) ?? [];
  return name !== undefined && name !== 'execute_tool';
}

/** The values that a channel's opening states of its client and its target. */
function channelValues({ meta }: OpenedRecord): Values {
  const { [ownAttributes.clientClaims]: claims, [ownAttributes.targetTags]: tags } = meta?.attributes ?? {};
  const values = new Map<string, readonly string[]>();
  set(values, 'software', textsOf(claims));
  set(
    values,
    'environment',
    textsOf(tags).flatMap((tag) => (tag.startsWith(environmentTag) ? [tag.slice(environmentTag.length)] : [])),
  );
  return values;
}

function tokensOf(attributes: Attributes): string | null {
  const counts = tokenCounts.map((name) => attributes[name]).filter((count) => typeof count === 'number');
  return counts.length === 0 ? null : String(counts.reduce((sum, count) => sum + count));
}

function set(values: Map<string, readonly string[]>, field: string, of: readonly (string | null | undefined)[]): void {
  const texts = of.every(isWhole) ? of : of.flatMap((text) => (isText(text) ? [text.slice(0, valueLengthMax)] : []));
  if (texts.length > 0) {
    values.set(field, texts);
  }
}

function isText(value: string | null | undefined): value is string {
  return value !== null && value !== undefined && value !== '';
}

function isWhole(value: string | null | undefined): value is string {
  return isText(value) && value.length <= valueLengthMax;
}

/** Returns the marks that a record itself has. */
function marksOf(attributes: Attributes): Values {
  return new Map(
    Object.entries(attributes)
      .map(([name, value]) => [fieldOf(name), textsOf(value)] as const)
      .filter(([field]) => markFields.includes(field)),
  );
}

function addMarks(values: Map<string, readonly string[]>, marks: Values): void {
  for (const [field, of] of marks) {
    values.set(field, [...new Set([...(values.get(field) ?? []), ...of])]);
  }
}

function only(values: Values, fields: readonly string[]): Values {
  const some = new Map<string, readonly string[]>();
  for (const field of fields) {
    const of = values.get(field);
    if (of !== undefined) {
      some.set(field, of);
    }
  }
  return some;
}

function remember<Key, Kept>(memory: Map<Key, Kept>, key: Key, kept: Kept): void {
  memory.set(key, kept);
  if (memory.size > rememberedMax) {
    const [oldest = key] = memory.keys();
    memory.delete(oldest);
  }
}

function textsOf(value: AttributeValue | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'object' ? value : [String(value)];
}

function numberOf(value: AttributeValue | undefined): number {
  return typeof value === 'number' ? value : -1;
}

function keysOf<Key extends string>(table: Readonly<Partial<Record<Key, unknown>>>): readonly Key[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tables of this file have no other keys
  return Object.keys(table) as Key[];
}
