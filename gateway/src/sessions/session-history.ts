import type { Attributes, AttributeValue } from '../domain/action.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { SessionHistory } from '../policy/policy.ts';

/** Most names of tables that are remembered of one session. */
const tablesMax = 10_000;
/** The attributes of answers that are summed up. The tokens of a model are those of its input and those of its output. */
const rowsAttribute = 'db.response.returned_rows';
const tokenAttributes = ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens'] as const;

/** The acts of a session so far. Policy asks for them, and channels add to them what they record. */
export class LiveHistory implements SessionHistory {
  readonly targets = new Set<string>();
  readonly tables = new Set<string>();
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
    this.bytes += bytes;
    this.rows += numberOf(attributes[rowsAttribute]);
    for (const name of tokenAttributes) {
      this.tokens += numberOf(attributes[name]);
    }
  }
}

function textsOf(value: AttributeValue | undefined): readonly string[] {
  return Array.isArray(value) ? value : typeof value === 'string' ? [value] : [];
}

function numberOf(value: AttributeValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
