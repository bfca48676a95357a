import type { Attributes, AttributeValue } from '../domain/action.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { amountsOf } from '../domain/usage.ts';
import type { SessionHistory } from '../policy/policy.ts';

/** Most names of tables that are remembered of one session. */
const tablesMax = 10_000;

/** The acts of a session so far. Policy asks for them, and channels add to them what they record. */
export class LiveHistory implements SessionHistory {
  readonly targets = new Set<string>();
  readonly tables = new Set<string>();
  isCut = false;
  requests = 0;
  denials = 0;
  approvals = 0;
  rows = 0;
  bytes = 0;
  tokens = 0;

  /** Adds a request that was allowed. Its tables count from now on, and not only when it has ended. */
  allowed(target: string, attributes: Attributes): void {
    this.requests += 1;
    this.targets.add(target);
    for (const table of textsOf(attributes[ownAttributes.tables])) {
      if (this.tables.size < tablesMax) {
        this.tables.add(`${target}/${table}`);
      } else if (!this.tables.has(`${target}/${table}`)) {
        this.isCut = true;
      }
    }
  }

  /** Adds a request that was denied. */
  denied(): void {
    this.requests += 1;
    this.denials += 1;
  }

  /** Adds a request that people approved. */
  approved(): void {
    this.approvals += 1;
  }

  /** Adds a record of an answer: `bytes` is how long it is. */
  answered(attributes: Attributes, bytes: number): void {
    const { rows, tokens } = amountsOf(attributes);
    this.bytes += bytes;
    this.rows += rows;
    this.tokens += tokens;
  }
}

function textsOf(value: AttributeValue | undefined): readonly string[] {
  return Array.isArray(value) ? value : typeof value === 'string' ? [value] : [];
}
