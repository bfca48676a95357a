/** Compares bodies with the leaves that commit to them, if the caller has the keys. */
import type { Frame } from './segment-reader.ts';
import type { Findings } from './verdict.ts';

/** Opens the sealed bodies of a store. A caller that has the keys provides it: the verifier itself has none. */
export interface BodyOpener {
  /** Called with each batch once, in the order of the journal, after its leaves were checked. Resolves to the outcomes of all sealed bodies in the batch, the good ones included. */
  open(frame: Frame): Promise<readonly BodyOutcome[]>;
}

/**
 * The result of opening one body. `erased`: its key was destroyed, or is not in the key store. `mismatch`: the body is not what its leaf commits to.
 * `unreadable`: the body could not be opened, for the reason given, which does not prove that it was changed.
 */
export interface BodyOutcome {
  /** The log index of the body's leaf. */
  readonly index: number;
  readonly state: 'open' | 'erased' | 'mismatch' | { readonly unreadable: string };
}

export interface BodyCounts {
  /** Number of bodies that were opened and match their commitments. */
  readonly opened: number;
  readonly erased: number;
  readonly mismatched: number;
  readonly unreadable: number;
}

export class BodyCheck {
  readonly #opener: BodyOpener;
  readonly #findings: Findings;
  readonly #counts = { opened: 0, erased: 0, mismatched: 0, unreadable: 0 };

  constructor(opener: BodyOpener, findings: Findings) {
    this.#opener = opener;
    this.#findings = findings;
  }

  get counts(): BodyCounts {
    return this.#counts;
  }

  async add(frame: Frame): Promise<void> {
    const counts = this.#counts;
    for (const { index, state } of await this.#opener.open(frame)) {
      if (state === 'open') {
        counts.opened += 1;
      } else if (state === 'erased') {
        counts.erased += 1;
      } else if (state === 'mismatch') {
        counts.mismatched += 1;
        this.#findings.add('integrity', `leaf ${index}`, 'a body of it is not what it commits to');
      } else {
        counts.unreadable += 1;
        // One cause usually keeps all bodies closed, so only the first is reported.
        if (counts.unreadable === 1) {
          this.#findings.add('malformed', `leaf ${index}`, `a body of it cannot be opened: ${state.unreadable}`);
        }
      }
    }
  }
}
