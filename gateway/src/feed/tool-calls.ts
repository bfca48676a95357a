import type { AttributeValue, Attributes } from '../domain/action.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { readTraceparent, type TraceContext } from '../domain/trace-context.ts';

/** Most calls that a model asked for and that may still be running. */
const pendingMax = 256;
/** Fewest characters of an argument that can tell a call. Shorter ones occur in too many requests. */
const tellingCharactersMin = 4;
/** Most arguments of one call that are searched for. The number is limited because a match only makes a cause likely. */
const tellingTextsMax = 8;
const searchedCharactersMax = 16 * 1024;
/** Match the ids in a text. An id is one word, or several joined words: `functions.search:0`. Shorter ids, which some servers simply count, occur in too many requests; nobody gives longer ones. */
const words = [/(?<![\w-])[\w-]{6,256}(?![\w-])/g, /(?<![\w.:/-])[\w.:/-]{6,256}(?![\w.:/-])/g];
/** Most spans and traces that are remembered, and most requests whose cause is certain. */
const namedMax = 10_000;

interface Pending {
  readonly id: string;
  readonly name: string;
  /** The texts among the arguments. */
  readonly texts: readonly string[];
}

/** The facts of a record that tell its cause: its kind, its attributes, and its text as it is shown. */
export interface TimelineEntry {
  readonly seq: number;
  readonly kind: string;
  readonly attributes: Attributes;
  readonly text: string;
  /** Sequence number of the request that the record continues, if it does. */
  readonly partOf?: number | undefined;
}

/** The causes of a record. The ids are those that the model gave to its calls. */
export interface Causes {
  /** The client named the call: its id, or the span or trace in which it was made. */
  readonly certain: readonly string[];
  /** The call was running at that time, and nothing contradicts it. */
  readonly likely: readonly string[];
  /** Sequence number of the request that calls the tool, if the client named the span or trace of that request; otherwise null. */
  readonly causedBy: number | null;
}

const none: Causes = { certain: [], likely: [], causedBy: null };

/**
 * Ties what happens on the channels of a session to the tool calls that caused it.
 *
 * A cause is certain if the client names the call: by the id that the model gave it, or by a `traceparent` with a span that the call itself named first. A whole trace
 * belongs to a call, like its span, if the prompt before it was in another trace. A span or trace that the run, a prompt, any other request or a second call has named belongs to no call. All this is
 * what the client says about itself: it can name anything.
 *
 * Otherwise a cause is likely: by the tool's name, if the request is itself a call of that tool; by the arguments that the request repeats; or by time. A call is running from the answer that asked for it until
 * the next prompt, which brings its result.
 */
export class ToolCalls {
  #pending: Pending[] = [];
  #isPromptTraced = false;
  /** The causes by span and by trace. Null: the span or trace belongs to no call. */
  readonly #named = new Bounded<Causes | null>(namedMax);
  /** The causes of requests whose cause is certain, for records that continue them. */
  readonly #certain = new Bounded<Causes>(namedMax);

  /** Finds the causes of a record. Records must be given in the order of the session. */
  causes(entry: TimelineEntry): Causes {
    const { kind, attributes, partOf } = entry;
    if (kind === 'response') {
      const asked = callsOf(attributes);
      this.#pending = [...this.#pending, ...asked].slice(-pendingMax);
      return none;
    }
    const context = readTraceparent(attributes[ownAttributes.traceparent]);
    const isPrompt = attributes['gen_ai.request.model'] !== undefined;
    if (kind !== 'request' || isPrompt) {
      if (isPrompt) {
        this.#pending = [];
        this.#isPromptTraced = context !== null;
      }
      for (const key of keysOf(context)) {
        this.#named.set(key, null);
      }
      return none;
    }
    const causes = (partOf === undefined ? undefined : this.#certain.get(String(partOf))) ?? this.#causesOf(entry, context);
    if (causes.certain.length > 0 || causes.causedBy !== null) {
      this.#certain.set(String(entry.seq), causes);
    }
    return causes;
  }

  #causesOf({ seq, attributes, text }: TimelineEntry, context: TraceContext | null): Causes {
    const said = [text, ...Object.values(attributes).filter((value) => typeof value === 'string')];
    const namedIds = this.#pending.length === 0 ? new Set<string>() : idsIn(said, new Set(this.#pending.map(({ id }) => id)));
    const ids = this.#pending.filter(({ id }) => namedIds.has(id)).map(({ id }) => id);
    const isToolCall = attributes['gen_ai.operation.name'] === 'execute_tool';
    const within = isToolCall ? null : this.#ownerOf(context);
    const causes =
      ids.length > 0
        ? { certain: ids, likely: [], causedBy: within?.causedBy ?? null }
        : (within ?? { ...none, likely: this.#match(attributes, text).map(({ id }) => id) });
    const call = isToolCall ? { ...causes, causedBy: seq } : ids.length > 0 ? causes : null;
    this.#note(context, call);
    return causes;
  }

  #ownerOf(context: TraceContext | null): Causes | null {
    return keysOf(context).reduce<Causes | null>((found, key) => found ?? this.#named.get(key) ?? null, null);
  }

  /** Notes who named a span and trace. `call` is null for a request that is not a call. */
  #note(context: TraceContext | null, call: Causes | null): void {
    for (const key of keysOf(context)) {
      const known = this.#named.get(key);
      const isTrace = key === context?.trace;
      if (known === undefined) {
        this.#named.set(key, isTrace && !this.#isPromptTraced ? null : call);
      } else if (known !== null && call !== null) {
        this.#named.set(key, oneOf(known, call));
      }
    }
  }

  #match(attributes: Attributes, text: string): readonly Pending[] {
    const name = attributes['gen_ai.tool.name'];
    const named = this.#pending.filter((call) => call.name === name);
    const candidates = named.length > 0 ? named : this.#pending;
    const searched = text.substring(0, searchedCharactersMax);
    const telling = candidates.filter(({ texts }) => texts.some((each) => searched.includes(each)));
    return telling.length > 0 ? telling : candidates;
  }
}

/** The keys of a trace context: its span, which is narrower, then its trace. */
function keysOf(context: TraceContext | null): readonly string[] {
  return context === null ? [] : [`${context.trace}-${context.span}`, context.trace];
}

/** The causes for a span or trace that two requests have named. If they belong to the same call it stays with that call; otherwise it belongs to neither, and this is null. */
function oneOf(a: Causes, b: Causes): Causes | null {
  const isSame = a.certain.length > 0 && a.certain.join('\0') === b.certain.join('\0');
  return isSame ? { ...a, causedBy: a.causedBy === b.causedBy ? a.causedBy : null } : null;
}

/** A map that keeps at most `max` entries, those that were set last. */
class Bounded<Value> {
  readonly #max: number;
  readonly #values = new Map<string, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    const [oldest] = this.#values.keys();
    if (this.#values.size > this.#max && oldest !== undefined) {
      this.#values.delete(oldest);
    }
  }
}

/** The ids that stand in the texts as words of their own, because one id may be the beginning of another. Each text is read the same few times, however many ids there are. */
function idsIn(texts: readonly string[], ids: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const text of texts) {
    for (const word of words) {
      for (const [id] of text.matchAll(word)) {
        if (ids.has(id)) {
          found.add(id);
        }
      }
    }
  }
  return found;
}

function callsOf(attributes: Attributes): Pending[] {
  const [ids, names, inputs] = ['gen_ai.tool.call.id', 'gen_ai.tool.name', 'gen_ai.tool.call.arguments'].map((name) => listOf(attributes[name]));
  return (ids ?? []).map((id, i) => ({ id, name: names?.[i] ?? '', texts: textsOf(inputs?.[i] ?? '') }));
}

function listOf(value: AttributeValue | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'object' ? value : [String(value)];
}

/** The texts at the first level of JSON arguments that are long enough to tell a call. */
function textsOf(input: string): string[] {
  try {
    const value: unknown = JSON.parse(input);
    const members: unknown[] = typeof value === 'object' && value !== null ? Object.values(value) : [value];
    return members
      .filter((member) => typeof member === 'string')
      .filter((member) => member.length >= tellingCharactersMin)
      .slice(0, tellingTextsMax);
  } catch {
    return [];
  }
}
