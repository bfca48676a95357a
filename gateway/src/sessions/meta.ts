import type { Action } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';

const prefixesMax = 256;

/**
 * The meta of request records as JSON text. What stays the same from one request to the next (channel, action, decision) is printed once;
 * `RecordMeta` in domain/record.ts is the shape.
 */
export class RequestMeta {
  readonly #channel: number;
  readonly #prefixes = new Map<string, { readonly decision: Decision; readonly text: string }>();

  constructor(channel: number) {
    this.#channel = channel;
  }

  print(action: Action, decision: Decision, partOf: number | undefined): string {
    const request = partOf === undefined ? '' : `,"request":${partOf}`;
    let attributes = '';
    for (const _ in action.attributes) {
      attributes = `,"attributes":${JSON.stringify(action.attributes)}`;
      break;
    }
    return `${this.#prefix(action.name, decision)}${request}${attributes}}`;
  }

  #prefix(action: string, decision: Decision): string {
    const known = this.#prefixes.get(action);
    if (known?.decision === decision) {
      return known.text;
    }
    const { verdict, policies, policyVersion, reason } = decision;
    const meta = { channel: this.#channel, action, verdict, policies, policyVersion, ...(verdict === 'allow' ? {} : { reason }) };
    const text = JSON.stringify(meta).slice(0, -1);
    if (this.#prefixes.size >= prefixesMax) {
      this.#prefixes.clear();
    }
    this.#prefixes.set(action, { decision, text });
    return text;
  }
}
