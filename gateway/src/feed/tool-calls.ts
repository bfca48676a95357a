import type { AttributeValue, Attributes } from '../domain/action.ts';

/** Calls that a model asked for and that may still be going on. */
const pendingMax = 256;
/** Shorter arguments occur in too many requests to tell anything. */
const tellingCharactersMin = 4;

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

/**
 * Ties what happens on the channels of a session to the tool calls that caused it: by the tool's name where the request is itself a call of it, by the arguments
 * that it carries on, else by nesting in time: a call is going on from the answer that asked for it to the next prompt, which brings its result.
 */
export class ToolCalls {
  #pending: Pending[] = [];

  /** Ids of the calls that a record may be due to, given in the order of the session; empty for none. */
  causes({ kind, attributes, text }: TimelineEntry): readonly string[] {
    if (kind === 'response') {
      const asked = callsOf(attributes);
      this.#pending = [...this.#pending, ...asked].slice(-pendingMax);
      return [];
    }
    if (kind !== 'request') {
      return [];
    }
    if (attributes['gen_ai.request.model'] !== undefined) {
      this.#pending = [];
      return [];
    }
    return this.#match(attributes, text).map(({ id }) => id);
  }

  #match(attributes: Attributes, text: string): readonly Pending[] {
    const name = attributes['gen_ai.tool.name'];
    const named = this.#pending.filter((call) => call.name === name);
    const candidates = named.length > 0 ? named : this.#pending;
    const telling = candidates.filter(({ texts }) => texts.some((each) => text.includes(each)));
    return telling.length > 0 ? telling : candidates;
  }
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
