import type { CosignerStatus } from './cosigner.ts';
import type { WitnessNews } from './witness-news.ts';

interface WitnessWatchOptions {
  /** So long, in ms, the quorum or a witness may be missing before that is told. */
  readonly lostMs: number;
  readonly now: () => number;
  /** False: the policy demands no witness. */
  readonly hasQuorum: boolean;
  readonly onNews: (news: WitnessNews) => void;
}

interface Seen {
  /** True: the newest checkpoint is cosigned by the quorum. */
  readonly isCosigned: boolean;
  readonly cosigned: { readonly size: number; readonly atMs: number } | null;
  readonly witnesses: readonly CosignerStatus[];
}

/** Tells once that the quorum, or a witness, is missing for long, and once that it is there again. A witness that has seen another log is told at once. */
export class WitnessWatch {
  readonly #options: WitnessWatchOptions;
  readonly #told = new Map<string, 'lost' | 'disagrees'>();
  /** Since when the newest checkpoint is not cosigned; null: it is. */
  #waitingMs: number | null = null;
  #isQuorumLost = false;

  constructor(options: WitnessWatchOptions) {
    this.#options = options;
  }

  look({ isCosigned, cosigned, witnesses }: Seen): void {
    const { hasQuorum } = this.#options;
    if (hasQuorum) {
      this.#lookAtQuorum(isCosigned, cosigned);
    }
    for (const witness of witnesses) {
      this.#lookAtWitness(witness);
    }
  }

  #lookAtQuorum(isCosigned: boolean, cosigned: Seen['cosigned']): void {
    const { lostMs, now, onNews } = this.#options;
    if (isCosigned) {
      this.#waitingMs = null;
    } else if (this.#waitingMs === null || (cosigned !== null && cosigned.atMs > this.#waitingMs)) {
      this.#waitingMs = now();
    }
    const isLost = this.#waitingMs !== null && now() - this.#waitingMs > lostMs;
    if (isLost && !this.#isQuorumLost) {
      onNews({ what: 'quorum lost', size: cosigned?.size ?? null, sinceMs: this.#waitingMs ?? now() });
    } else if (!isLost && this.#isQuorumLost && cosigned !== null) {
      onNews({ what: 'quorum back', size: cosigned.size });
    }
    this.#isQuorumLost = isLost;
  }

  #lookAtWitness({ name, state, why, sinceMs }: CosignerStatus): void {
    const { lostMs, now, onNews } = this.#options;
    const told = this.#told.get(name);
    if (state === 'ahead' || state === 'forked') {
      if (told !== 'disagrees') {
        this.#told.set(name, 'disagrees');
        onNews({ what: 'witness disagrees', witness: name, why, sinceMs });
      }
    } else if (state === 'cosigning') {
      if (this.#told.delete(name)) {
        onNews({ what: 'witness back', witness: name });
      }
    } else if (told === undefined && now() - sinceMs > lostMs) {
      this.#told.set(name, 'lost');
      onNews({ what: 'witness lost', witness: name, why, sinceMs });
    }
  }
}
