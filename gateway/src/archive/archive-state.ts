/** How far a bucket is, as the thread that fills it tells. */
export interface ArchiveState {
  /** The bucket and the beginning of the names in it. */
  readonly bucket: string;
  /** The bucket has the segments up to this one. */
  readonly kept: number;
  /** The segments up to this one are only in the bucket. */
  readonly dropped: number;
  /** Number of segments that are complete and not in the bucket yet. */
  readonly behindSegments: number;
  readonly behindBytes: number;
  /** Since when, in Unix ms, it is behind without a break. Null: it is not. */
  readonly behindSinceMs: number | null;
  /** Why the last attempt failed. Null: it did not. */
  readonly failure: string | null;
}
