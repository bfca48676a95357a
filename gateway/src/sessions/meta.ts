import { createHash } from 'node:crypto';
import type { Action, Attributes, AttributeValue } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { RecordMeta } from '../domain/record.ts';
import { metaLengthMax } from '../recording/batch.ts';

const prefixesMax = 256;
/** The rest is for what a record says beside its attributes: channel, action, decision. */
const attributesLengthMax = metaLengthMax / 2;
/** The limit for each attribute, when all of them together are too long. */
const valueLengthMax = 4 * 1024;
/**
 * The meta of request records as JSON text. What stays the same from one request to the next (channel, action, decision, the same object of facts) is printed
 * once; `RecordMeta` in domain/record.ts is the shape.
 */
export class RequestMeta {
  readonly #channel: number;
  readonly #prefixes = new Map<string, { readonly decision: Decision; readonly text: string }>();
  #facts: { readonly attributes: Attributes; readonly text: string } = { attributes: {}, text: '' };
  /** The newest, of one request alone: from what, and the text. */
  #printed: { readonly prefix: string; readonly facts: string; readonly text: string } = { prefix: '', facts: '', text: '' };

  constructor(channel: number) {
    this.#channel = channel;
  }

  /** The result of `printFacts`, which is kept while the attributes are the same object. */
  facts(attributes: Attributes): string {
    if (attributes !== this.#facts.attributes) {
      this.#facts = { attributes, text: printFacts(attributes) };
    }
    return this.#facts.text;
  }

  /** `facts`: what `facts` gave for the action. */
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

/** The facts of a decision, for its record. */
export function decisionFacts({ verdict, policies, policyVersion, reason, obligations }: Decision): Partial<RecordMeta> {
  return { verdict, policies, policyVersion, ...(verdict === 'allow' ? {} : { reason }), ...(obligations.length === 0 ? {} : { obligations }) };
}

/**
 * The facts of an action as JSON text, empty when there are none. What is too long for a record is cut, with its count and its digest. Errors: `limit_exceeded` when
 * there are still too many.
 */
export function printFacts(attributes: Attributes): string {
  for (const _ in attributes) {
    const text = JSON.stringify(attributes);
    if (text.length <= attributesLengthMax) {
      return text;
    }
    const cut = printCut(attributes);
    if (cut.length <= attributesLengthMax) {
      return cut;
    }
    throw tooLong();
  }
  return '';
}

/**
 * The meta of any other record, bounded in the same way. What happened is recorded however much is to be said of it: of too many attributes only count and digest are
 * left. Errors: `limit_exceeded` where even the rest is too long.
 */
export function printMeta(meta: { readonly attributes?: Attributes; readonly [name: string]: unknown }): string {
  const text = JSON.stringify(meta);
  if (text.length <= metaLengthMax) {
    return text;
  }
  const { attributes = {}, ...rest } = meta;
  const others = JSON.stringify(rest);
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

function printCut(attributes: Attributes): string {
  const cut: string[] = [];
  const kept = Object.entries(attributes).map(([name, value]) => [name, cutValue(name, value, cut)]);
  return JSON.stringify({ ...Object.fromEntries(kept), [ownAttributes.cut]: cut });
}

function cutLine(name: string, count: number, whole: string): string {
  return `${name} ${count} sha256:${createHash('sha256').update(whole).digest('hex')}`;
}

/** A value as far as there is room for it; says in `cut` what is missing. */
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
