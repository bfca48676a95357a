/** A value that was masked. It tells nothing of the value but which others were the same. */
export interface Masked {
  /** The class of the value. */
  readonly name: string;
  readonly method: string;
  /** The keyed digest of the value. */
  readonly digest: string;
  /** The column or the member in which it stood; null if that is not known. */
  readonly place: string | null;
}

/** The values that a change of texts masked since it was asked last. */
export interface MaskReport {
  /** The number of values by class. */
  readonly counts: ReadonlyMap<string, number>;
  /** The first of the values. */
  readonly values: readonly Masked[];
  /** The ids of the policies that mask. */
  readonly policies: readonly string[];
}
