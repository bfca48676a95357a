import type { AttributeValue, Attributes } from '../domain/action.ts';

/** Calls that a model asked for and that may still be going on. */
const pendingMax = 256;
/** Shorter arguments occur in too many requests to tell anything. */
const tellingCharactersMin = 4;
/** So do shorter ids, which some servers number. */
const idCharactersMin = 6;
const inWord = /[\w-]/;

interface Pending {
  readonly id: string;
  readonly name: string;
  /** The texts among the arguments. */
  readonly texts: readonly string[];
}

/** What of a record matters here: its kind, its attributes, and its text as it is shown. */
export interface TimelineEntry {
  readonly kind: string;
  readonly attributes: Attributes;
  readonly text: string;
}

/** Ids of calls that a record is due to. */
export interface Causes {
  /** The record names them. */
  readonly certain: readonly string[];
  /** They are going on then, and nothing speaks against it. */
  readonly likely: readonly string[];
}

const none: Causes = { certain: [], likely: [] };

/**
 * Ties what happens on the channels of a session to the tool calls that caused it. It is certain where a request carries the id of the call. Else it is likely: by the tool's name where the
 * request is itself a call of it, by the arguments that it carries on, or by nesting in time: a call is going on from the answer that asked for it to the next prompt, which brings its result.
 */
export class ToolCalls {
  #pending: Pending[] = [];

  /** Records are given in the order of the session. */
  causes({ kind, attributes, text }: TimelineEntry): Causes {
    if (kind === 'response') {
      const asked = callsOf(attributes);
      this.#pending = [...this.#pending, ...asked].slice(-pendingMax);
      return none;
    }
    if (kind !== 'request') {
      return none;
    }
    if (attributes['gen_ai.request.model'] !== undefined) {
      this.#pending = [];
      return none;
    }
    const said = [text, ...Object.values(attributes).filter((value) => typeof value === 'string')];
    const named = this.#pending.filter(({ id }) => said.some((each) => namesId(each, id)));
    return named.length > 0 ? { certain: named.map(({ id }) => id), likely: [] } : { certain: [], likely: this.#match(attributes, text).map(({ id }) => id) };
  }

  #match(attributes: Attributes, text: string): readonly Pending[] {
    const name = attributes['gen_ai.tool.name'];
    const named = this.#pending.filter((call) => call.name === name);
    const candidates = named.length > 0 ? named : this.#pending;
    const telling = candidates.filter(({ texts }) => texts.some((each) => text.includes(each)));
    return telling.length > 0 ? telling : candidates;
  }
}

/** As a word of its own: one id may be the beginning of another. */
function namesId(text: string, id: string): boolean {
  if (id.length < idCharactersMin) {
    return false;
  }
  for (let at = text.indexOf(id); at >= 0; at = text.indexOf(id, at + 1)) {
    if (!inWord.test(text.charAt(at - 1)) && !inWord.test(text.charAt(at + id.length))) {
      return true;
    }
  }
  return false;
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
    return members.filter((member) => typeof member === 'string').filter((member) => member.length >= tellingCharactersMin);
  } catch {
    return [];
  }
}
