import type { AttributeValue, Attributes } from '../domain/action.ts';
import { readTraceparent, traceparentAttribute, type TraceContext } from '../domain/trace-context.ts';

/** Calls that a model asked for and that may still be going on. */
const pendingMax = 256;
/** Shorter arguments occur in too many requests to tell anything. */
const tellingCharactersMin = 4;
/** Arguments of one call that are looked for, and how much of a request they are looked for in: it is likely and no more. */
const tellingTextsMax = 8;
const searchedCharactersMax = 16 * 1024;
/** Shorter ids, which some servers number, occur in too many requests too; longer ones nobody gives. An id is a word, or several joined: `functions.search:0`. */
const words = [/(?<![\w-])[\w-]{6,256}(?![\w-])/g, /(?<![\w.:/-])[\w.:/-]{6,256}(?![\w.:/-])/g];
/** Spans and traces, and requests that go on, are remembered so many at a time. */
const namedMax = 10_000;

interface Pending {
  readonly id: string;
  readonly name: string;
  /** The texts among the arguments. */
  readonly texts: readonly string[];
}

/** What of a record matters here: its kind, its attributes, and its text as it is shown. */
export interface TimelineEntry {
  readonly seq: number;
  readonly kind: string;
  readonly attributes: Attributes;
  readonly text: string;
  /** Sequence number of the request that the record goes on with, if it does. */
  readonly partOf?: number | undefined;
}

/** What a record is due to. The ids are those of the model, for the calls that it asked for. */
export interface Causes {
  /** The client named the call: its id, or the span or trace in which it was made. */
  readonly certain: readonly string[];
  /** The call is going on then, and nothing speaks against it. */
  readonly likely: readonly string[];
  /** Sequence number of the request that is the call of a tool, where the client named the span or trace of that request. */
  readonly causedBy: number | null;
}

const none: Causes = { certain: [], likely: [], causedBy: null };

/**
 * Ties what happens on the channels of a session to the tool calls that caused it.
 *
 * It is certain where the client names the call: by the id that the model gave it, or by a `traceparent` with a span that was first named by the call itself. A whole trace is a call's own, and
 * then as good as its span, where the prompt before it was in another trace. What the run, a prompt, any other request or a second call has named is no call's own. All of this is what the client says
 * of itself: it can name what it likes.
 *
 * Else it is likely: by the tool's name where the request is itself a call of it, by the arguments that it carries on, or by nesting in time: a call is going on from the answer that asked for it to
 * the next prompt, which brings its result.
 */
export class ToolCalls {
  #pending: Pending[] = [];
  #isPromptTraced = false;
  /** By span and by trace; null: it is no call's own. */
  readonly #named = new Bounded<Causes | null>(namedMax);
  /** Of requests whose cause is certain, for what goes on with them. */
  readonly #certain = new Bounded<Causes>(namedMax);

  /** Records are given in the order of the session. */
  causes(entry: TimelineEntry): Causes {
    const { kind, attributes, partOf } = entry;
    if (kind === 'response') {
      const asked = callsOf(attributes);
      this.#pending = [...this.#pending, ...asked].slice(-pendingMax);
      return none;
    }
    const context = readTraceparent(attributes[traceparentAttribute]);
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

  /** `call`: null for a request that is none. */
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

/** The narrower first. */
function keysOf(context: TraceContext | null): readonly string[] {
  return context === null ? [] : [`${context.trace}-${context.span}`, context.trace];
}

/** Two requests of one call have named the same span; those of two calls leave it to neither. */
function oneOf(a: Causes, b: Causes): Causes | null {
  const isSame = a.certain.length > 0 && a.certain.join('\0') === b.certain.join('\0');
  return isSame ? { ...a, causedBy: a.causedBy === b.causedBy ? a.causedBy : null } : null;
}

/** Of more than `max` entries those that were set last are kept. */
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

/** Those that stand in the texts as words of their own: one id may be the beginning of another. Each text is gone through the same few times, however many ids there are. */
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

/** The telling texts at the first level of JSON arguments. */
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
