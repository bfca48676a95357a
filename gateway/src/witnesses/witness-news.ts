/** A change that the record has: the quorum or a witness is missing for long, disagrees with the log, or is there again. */
export type WitnessNews =
  | { readonly what: 'quorum lost'; readonly size: number | null; readonly sinceMs: number }
  | { readonly what: 'quorum back'; readonly size: number }
  | { readonly what: 'witness lost' | 'witness disagrees'; readonly witness: string; readonly why: string; readonly sinceMs: number }
  | { readonly what: 'witness back'; readonly witness: string };
