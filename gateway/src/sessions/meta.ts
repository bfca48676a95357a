import { createHash } from 'node:crypto';
import type { Action, Attributes, AttributeValue } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { RecordMeta } from '../domain/record.ts';
import { metaLengthMax } from '../recording/batch.ts';

const prefixesMax = 256;
/** Most characters of the attributes of a record as JSON. The rest is for the other facts of the record: channel, action, decision. */
const attributesLengthMax = metaLengthMax / 2;
/** Most characters of one attribute, if all attributes together are too long. */
const valueLengthMax = 4 * 1024;
/**
 * Prints the meta of request records as JSON text. Parts that are the same in the next request (channel, action, decision, the same object of facts) are
 * printed only once. domain/record.ts has its shape (`RecordMeta`).
 */
export class RequestMeta {
  readonly #channel: number;
  readonly #prefixes = new Map<string, { readonly decision: Decision; readonly text: string }>();
  /** The printed attributes of requests that may come again: a prepared statement has the same object each time. */
  readonly #facts = new WeakMap<Attributes, string>();
  /** The newest meta of a request that continues no other: its parts, and the whole text. */
  #printed: { readonly prefix: string; readonly facts: string; readonly text: string } = { prefix: '', facts: '', text: '' };

  constructor(channel: number) {
    this.#channel = channel;
  }

  /** Returns the attributes of an action as `printFacts` prints them. The text is kept as long as a later request may have the same object of attributes. */
  facts({ attributes, isOnce }: Action): string {
    if (isOnce === true) {
      return printFacts(attributes);
    }
    const known = this.#facts.get(attributes);
    if (known !== undefined) {
      return known;
    }
    const text = printFacts(attributes);
    this.#facts.set(attributes, text);
    return text;
  }

  /** Prints the meta of a request. `facts` is the text that the method `facts` returned for the action. */
  print(action: Action, facts: string, decision: Decision, partOf: number | undefined): string {
    const prefix = this.#prefix(action.name, decision);
    const attributes = facts === '' ? '' : `,"attributes":${facts}`;
    if (partOf !== undefined) {
      return `${prefix},"request":${partOf}${attributes}}`;
    }
    if (prefix !== this.#printed.prefix || facts !== this.#printed.facts) {
      this.#printed = { prefix, facts, text: `${prefix}${attributes}}` };
    }
    return this.#printed.text;
  }

  #prefix(action: string, decision: Decision): string {
    const known = this.#prefixes.get(action);
    if (known?.decision === decision) {
      return known.text;
    }
    const text = JSON.stringify({ channel: this.#channel, action, ...decisionFacts(decision) }).slice(0, -1);
    if (this.#prefixes.size >= prefixesMax) {
      this.#prefixes.clear();
    }
    this.#prefixes.set(action, { decision, text });
    return text;
  }
}

/** Returns the facts of a decision for its record. */
export function decisionFacts({ verdict, policies, policyVersion, reason, obligations, observed, answeredAs }: Decision): Partial<RecordMeta> {
  return {
    verdict,
    policies,
    policyVersion,
    ...(verdict === 'allow' ? {} : { reason }),
    ...(obligations.length === 0 ? {} : { obligations }),
    ...(observed === undefined ? {} : { observed }),
    ...(answeredAs === 'catching_up' ? { undecided: true } : {}),
  };
}

/**
 * Prints the facts of an action as JSON; empty if there are none. What is too long for a record is cut and replaced by its count and its digest. Throws
 * GatewayError `limit_exceeded` if the rest is still too long.
 */
export function printFacts(attributes: Attributes): string {
  const text = JSON.stringify(attributes);
  if (text.length <= attributesLengthMax) {
    return text === '{}' ? '' : text;
  }
  const cut = printCut(attributes);
  if (cut.length <= attributesLengthMax) {
    return cut;
  }
  throw tooLong();
}

/**
 * Prints the meta of a record of a channel that is no request, within the same limits. An event is recorded however many attributes it has: if they are too
 * long, only their count and digest are left. Throws GatewayError `limit_exceeded` if even the rest is too long.
 */
export function printMeta(channel: number, meta: Omit<RecordMeta, 'channel'>): string {
  const text = withChannel(channel, JSON.stringify(meta));
  if (text.length <= metaLengthMax) {
    return text;
  }
  const { attributes = {}, ...rest } = meta;
  const others = withChannel(channel, JSON.stringify(rest));
  if (others.length > metaLengthMax - attributesLengthMax) {
    throw tooLong();
  }
  const cut = printCut(attributes);
  const facts =
    cut.length <= attributesLengthMax
      ? cut
      : JSON.stringify({ [ownAttributes.cut]: [cutLine('*', Object.keys(attributes).length, JSON.stringify(attributes))] });
  return `${others.slice(0, -1)},"attributes":${facts}}`;
}

/** Adds the channel to printed meta. This costs less than a copy of the meta with one more property. */
function withChannel(channel: number, printed: string): string {
  return printed === '{}' ? `{"channel":${channel}}` : `{"channel":${channel},${printed.slice(1)}`;
}

function printCut(attributes: Attributes): string {
  const cut: string[] = [];
  const kept = Object.entries(attributes).map(([name, value]) => [name, cutValue(name, value, cut)]);
  return JSON.stringify({ ...Object.fromEntries(kept), [ownAttributes.cut]: cut });
}

function cutLine(name: string, count: number, whole: string): string {
  return `${name} ${count} sha256:${createHash('sha256').update(whole).digest('hex')}`;
}

/** Cuts a value to the available length, and adds to `cut` a text that says what is missing. */
function cutValue(name: string, value: AttributeValue, cut: string[]): AttributeValue {
  const whole = JSON.stringify(value);
  if (whole.length <= valueLengthMax || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  cut.push(cutLine(name, value.length, whole));
  if (typeof value === 'string') {
    return value.slice(0, valueLengthMax / 2).toWellFormed();
  }
  let length = 0;
  const end = value.findIndex((text) => {
    length += text.length;
    return length > valueLengthMax / 2;
  });
  return value.slice(0, end);
}

function tooLong(): GatewayError {
  return new GatewayError('limit_exceeded', `The facts of this record are longer than ${metaLengthMax} characters, which is the limit.`);
}
