import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { CountedRecord, RecordedCounts, Tally } from '../../domain/counting.ts';
import { unitActions } from './actions.ts';
import type { SqlParser } from './guard/parser.ts';
import { namesOf } from './statement-names.ts';

/** Most requests between two readings. */
const requestsMax = 1_000_000;
/** Statements that the parser does not read have one name together. */
export const unreadName = 'other';

interface Sent {
  readonly names: readonly (string | null)[];
  state: 'sent' | 'answered' | 'failed';
}

/** Counts the statements that were recorded. */
export class StatementTally implements Tally {
  readonly #parser: SqlParser;
  readonly #pending: readonly string[];
  /** Requests by session and number. */
  readonly #sent = new Map<string, Sent>();
  /** The names in texts that were prepared, by session and number of the request with the text. */
  readonly #prepared = new Map<string, readonly (string | null)[]>();

  constructor(parser: SqlParser, pending: readonly string[]) {
    this.#parser = parser;
    this.#pending = pending;
  }

  add({ session, seq, kind, action, verdict, attributes }: CountedRecord): void {
    if (kind === 'response') {
      const sent = this.#sent.get(`${session}/${String(attributes[ownAttributes.request])}`);
      if (sent !== undefined) {
        sent.state = attributes['db.response.status_code'] === undefined && sent.state !== 'failed' ? 'answered' : 'failed';
      }
    } else if (kind === 'request' && verdict !== 'deny') {
      this.#addRequest(`${session}/${seq}`, { session, action, attributes });
    }
  }

  finish(): RecordedCounts {
    const [sure, maybe] = [new Map<string, number>(), new Map<string, number>()];
    const pending: string[] = [];
    let unnamed = 0;
    for (const name of this.#pending) {
      add(maybe, name);
    }
    for (const { names, state } of this.#sent.values()) {
      for (const name of names) {
        if (name === null) {
          unnamed += 1;
        } else {
          add(state === 'answered' ? sure : maybe, name);
          if (state === 'sent') {
            pending.push(name);
          }
        }
      }
    }
    return { sure, maybe, unnamed, pending };
  }

  #addRequest(place: string, { session, action, attributes }: Pick<CountedRecord, 'session' | 'action' | 'attributes'>): void {
    const text = attributes['db.query.text'];
    const read = typeof text === 'string' ? (namesOf(this.#parser, text) ?? [unreadName]) : null;
    if (action === unitActions.prepare) {
      if (read !== null) {
        this.#prepared.set(place, read);
      }
      return;
    }
    if (action !== unitActions.query && action !== unitActions.execute) {
      return;
    }
    const names = read ?? this.#prepared.get(`${session}/${String(attributes[ownAttributes.parse])}`) ?? [null];
    if (read !== null && action === unitActions.execute) {
      this.#prepared.set(place, read);
    }
    if (this.#sent.size >= requestsMax) {
      throw new GatewayError('limit_exceeded', `More than ${requestsMax} requests were recorded since the last reading: reconcile more often.`);
    }
    this.#sent.set(place, { names, state: 'sent' });
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
