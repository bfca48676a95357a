/** Holds a key store against what the log says of it. */
import { parseGovernanceBody, type GovernanceBody } from './governance.ts';
import { leafKindOf } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import type { Findings } from './verdict.ts';

const dayMs = 86_400_000;

/** What a key store holds, by hash only: the verifier sees no key, wrapped or not. Hashes are 64 hex digits, null where there is no such row. */
export interface KeyRows {
  /** SHA-256 over the wrapped secrets of a session, meta then content. */
  secrets(id: number): string | null;
  /** SHA-256 of the wrapped key of a retention class and expiry day. */
  classKey(retentionClass: number, day: number): string | null;
}

/** A key that is gone before its day has taken bodies with it that were to be kept; one that is another opens something else. */
export class KeyCheck {
  readonly #rows: KeyRows;
  readonly #findings: Findings;
  readonly #today: number;
  /** Keys that the log names. */
  count = 0;

  constructor(rows: KeyRows, findings: Findings, nowMs: number) {
    this.#rows = rows;
    this.#findings = findings;
    this.#today = Math.floor(nowMs / dayMs);
  }

  /** `clear`: the body of a governance leaf. One that is malformed is reported by who reads it for its own sake. */
  add(kindCode: number, clear: Uint8Array, where: string): void {
    const kind = leafKindOf(kindCode);
    if (kind !== 'open' && kind !== 'epoch' && kind !== 'key') {
      return;
    }
    try {
      const body = parseGovernanceBody(kind, clear);
      if (kind === 'key') {
        this.#checkClassKey(body, where);
      } else if (body['key'] !== undefined) {
        this.#compare(this.#rows.secrets(Number(body['key'])), body['secrets'], where);
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) {
        throw error;
      }
    }
  }

  #checkClassKey(body: GovernanceBody, where: string): void {
    const day = Number(body['day']);
    const found = this.#rows.classKey(Number(body['class']), day);
    if (found !== null || day >= this.#today) {
      this.#compare(found, body['wrapped'], where);
    }
  }

  #compare(found: string | null, announced: unknown, where: string): void {
    this.count += 1;
    if (found === null) {
      this.#findings.add('retention', where, 'the key that it announces is not in the key store');
    } else if (found !== announced) {
      this.#findings.add('integrity', where, 'the key store holds another key than it announces');
    }
  }
}
