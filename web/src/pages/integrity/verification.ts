import type { LogProgress, LogReport } from '@countersign/ledger';

/** A request to the worker: the key to trust, and a checkpoint from before. */
export interface Wanted {
  readonly key: string;
  readonly checkpoint: string | null;
}

/** An answer of the worker: how far it is, and at the end the report, or why there is none. */
export type Said = { readonly progress: LogProgress } | { readonly report: LogReport } | { readonly failure: string };
