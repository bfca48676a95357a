import type { StoreReport } from '@countersign/ledger';

type StampedCheckpoint = NonNullable<NonNullable<StoreReport['timestamps']>['newest']>;

/** Says until when what was stamped was there, and who says so. */
export function describeTimestamp({ timeMs, accuracyMs, authority }: StampedCheckpoint): string {
  const within = accuracyMs === 0 ? '' : ` ± ${accuracyMs / 1000} s`;
  return `it was there at ${new Date(timeMs).toISOString()}${within}, says ${authority === '' ? 'the authority of timestamps' : authority}`;
}
