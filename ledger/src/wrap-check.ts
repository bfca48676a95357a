/** Compares the further wraps of secrets in a key store with those that the log announces. Normative: docs/formats/verification.md. */
import type { GovernanceBody } from './governance.ts';
import type { Findings } from './verdict.ts';

/** Which secret is wrapped, and by the key of which class and day. */
interface WrapName {
  readonly key: number;
  /** 1 facts, 2 contents. */
  readonly slot: number;
  readonly class: number;
  readonly day: number;
}

interface WrapRow extends WrapName {
  /** SHA-256 of the wrapped secret, as 64 hex digits; any other text if it is no wrapped secret. */
  readonly hash: string;
}

/** The wraps of a key store, by hash only. */
export interface WrapRows {
  /** Yields those of which the store says that they are on record. */
  wraps(): Iterable<WrapRow>;
  /** The hash of one; null: it is not there. */
  wrap(name: WrapName): string | null;
  classKey(retentionClass: number, day: number): string | null;
}

interface Announced extends WrapName {
  readonly hash: string;
  /** The leaf that announces it. */
  readonly where: string;
}

/**
 * Finds wraps that the log does not announce, by which something is kept of which nobody was told; and announced ones that are not there, although neither the key
 * that wraps was destroyed nor the secret. The rows are read before the log, which a running gateway goes on with.
 */
export class WrapCheck {
  readonly #rows: WrapRows;
  readonly #findings: Findings;
  readonly #found: ReadonlyMap<string, string>;
  readonly #announced = new Map<string, Announced>();
  readonly #erased = new Set<string>();

  constructor(rows: WrapRows, findings: Findings) {
    this.#rows = rows;
    this.#findings = findings;
    this.#found = new Map(Array.from(rows.wraps(), (row) => [nameOf(row), row.hash]));
  }

  /** Notes the body of a `wrap` or an `erasure`. */
  add(kind: 'wrap' | 'erasure', { class: classId, day, wraps, secrets }: GovernanceBody, where: string): void {
    if (kind === 'wrap') {
      for (const [key, slot, hash] of tuplesOf(wraps)) {
        const name = { key: Number(key), slot: Number(slot), class: Number(classId), day: Number(day) };
        this.#announced.set(nameOf(name), { ...name, hash: String(hash), where });
      }
    }
    for (const [key, slot] of kind === 'erasure' ? tuplesOf(secrets) : []) {
      this.#erased.add(secretOf({ key: Number(key), slot: Number(slot) }));
    }
  }

  /** Compares both ways. Returns the number of wraps that were compared. To be called once the whole log was read. */
  finish(): number {
    for (const name of this.#found.keys()) {
      if (!this.#announced.has(name)) {
        this.#findings.add('retention', 'keys.db', `the secret ${name} is wrapped, and the log does not announce it`);
      }
    }
    for (const [name, announced] of this.#announced) {
      const found = this.#found.get(name) ?? this.#rows.wrap(announced);
      if (found !== null && found !== announced.hash) {
        this.#findings.add('integrity', announced.where, 'the key store holds another wrap than it announces');
      } else if (found === null && !this.#erased.has(secretOf(announced)) && this.#rows.classKey(announced.class, announced.day) !== null) {
        this.#findings.add('retention', announced.where, 'a wrap that it announces is not in the key store');
      }
    }
    return this.#announced.size;
  }
}

function tuplesOf(list: unknown): readonly (readonly unknown[])[] {
  return Array.isArray(list) ? list.filter((each) => Array.isArray(each)) : [];
}

function secretOf({ key, slot }: Pick<WrapName, 'key' | 'slot'>): string {
  return `${key}/${slot}`;
}

function nameOf(name: WrapName): string {
  return `${secretOf(name)} under ${name.class}/${name.day}`;
}
