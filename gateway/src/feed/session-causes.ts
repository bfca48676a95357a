import type { Attributes } from '../domain/action.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { ShownRecord } from './shown-record.ts';

/** That a request was made for another one: for a tool call of its answer, or within it. */
export interface SessionCause {
  /** The number of the other request. */
  readonly request: number;
  /** The id that the model gave to the tool call; null if no call is named. */
  readonly call: string | null;
  /** False: nobody named the call; it was running, and nothing contradicts it. */
  readonly isCertain: boolean;
}

/** Ties the requests of one session to those for which they were made, by the tool calls that its records name. */
export class SessionCauses {
  readonly #causes = new Map<number, SessionCause>();
  readonly #caused = new Map<number, number[]>();
  /** The requests whose answers last had a tool call of an id: ids are the model's own, and may come again. */
  readonly #calls = new Map<string, number>();

  /** Adds a record. They must come in the order of the session. */
  add({ kind, seq, attributes }: ShownRecord): void {
    const request = attributes[ownAttributes.request];
    const calls = namesIn(attributes, 'gen_ai.tool.call.id');
    if (kind === 'response' && typeof request === 'number') {
      for (const call of calls) {
        this.#calls.set(call, request);
      }
    } else if (kind === 'request' && request === undefined) {
      const cause = this.#causeOf(seq, attributes, calls);
      if (cause !== null) {
        this.#causes.set(seq, cause);
        const caused = this.#caused.get(cause.request) ?? [];
        caused.push(seq);
        this.#caused.set(cause.request, caused);
      }
    }
  }

  causeOf(request: number): SessionCause | null {
    return this.#causes.get(request) ?? null;
  }

  /** Returns the numbers of the requests that were made for one, in order. */
  causedBy(request: number): readonly number[] {
    return this.#caused.get(request) ?? [];
  }

  #causeOf(seq: number, attributes: Attributes, calls: readonly string[]): SessionCause | null {
    const causedBy = attributes[ownAttributes.causedBy];
    const named = this.#asked(calls, true) ?? this.#asked(namesIn(attributes, ownAttributes.likelyToolCalls), false);
    // A call of a tool says of itself that it is the request of the call.
    return typeof causedBy === 'number' && causedBy !== seq ? { request: causedBy, call: named?.call ?? null, isCertain: true } : named;
  }

  #asked(calls: readonly string[], isCertain: boolean): SessionCause | null {
    const call = calls.find((each) => this.#calls.has(each));
    const request = this.#calls.get(call ?? '');
    return call === undefined || request === undefined ? null : { request, call, isCertain };
  }
}

function namesIn(attributes: Attributes, name: string): readonly string[] {
  return [attributes[name] ?? []].flat().map(String);
}
