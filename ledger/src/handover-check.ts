/** The handovers of a keyring in a store: the log must announce each key, and be what the checkpoint says with which that key took over. */
import type { KeyRing } from './keyring.ts';
import { formatVerifierKey } from './note.ts';
import { Expectation, ringPath } from './store-trust.ts';
import type { Findings } from './verdict.ts';

export class HandoverCheck {
  /** The caller compares the journal with these. */
  readonly expectations: readonly Expectation[];
  readonly #findings: Findings;
  /** The verifier keys that are not announced yet, by the index of the record that must do so. */
  readonly #awaited: Map<number, string>;

  constructor(ring: KeyRing | null, findings: Findings) {
    const handovers = ring?.handovers ?? [];
    this.#findings = findings;
    this.expectations = handovers.map(({ checkpoint }) => new Expectation(checkpoint, ringPath, { differs: 'integrity', missing: 'completeness' }, findings));
    this.#awaited = new Map((ring?.keys ?? []).slice(1).map(({ first, key }) => [first - 1, formatVerifierKey(key)]));
  }

  /** Adds a record that announces a key. A key that was announced and never took over is no fault: the gateway was killed in between. */
  add(index: number, vkey: unknown): void {
    if (this.#awaited.get(index) === vkey) {
      this.#awaited.delete(index);
    }
  }

  /** Ends the check after the last record of a log of so many. One that ends before a handover is found by its checkpoint. */
  finish(size: number): void {
    for (const index of [...this.#awaited.keys()].filter((awaited) => awaited < size)) {
      this.#findings.add('integrity', ringPath, `record ${index} does not announce the key that signs from size ${index + 1} on`);
    }
  }
}
