/** Describes the report about a store in lines for people. */
import { firstHoldClass } from '@countersign/ledger/format';
import { countOf } from '@countersign/gateway/count-of';
import type { BucketRecord } from '@countersign/gateway/verification';
import type { StoreReport } from '@countersign/ledger';
import { describeTimestamp } from './described-timestamp.ts';
import { describeFactsOnly } from './facts-only.ts';

const pausesShownMax = 5;
/** With fewer records, the rate at which they were verified is that of the start of the command. */
const leavesForRateMin = 10_000;

/** Says how much there is, up to where it is signed, and what could not be checked. */
export function describeStore({
  counts,
  pauses,
  losses,
  restorations,
  newest,
  cosigned,
  timestamps,
  retention,
  unsigned,
  closed,
  followed,
  leavesPerSecond,
  keySource,
}: StoreReport): string[] {
  const state = closed ? ' The gateway was stopped in good order.' : followed ? ' The gateway is running, or was not stopped in good order.' : '';
  const { leaves, factsOnly, sessions, sessionsOpen, segments, epochs, tiles, keys, bodies } = counts;
  return [
    `${countOf(leaves, 'record')} of ${countOf(sessions, 'session')} (${sessionsOpen} open), ${countOf(epochs, 'epoch')}, ${countOf(segments, 'segment')}, ${countOf(tiles, 'tile')}`,
    ...(newest === undefined ? [] : [`signed up to record ${newest.size}, made at ${new Date(newest.lastLeafMs).toISOString()}.${state}`]),
    ...(cosigned === undefined ? [] : [describeCosigned(cosigned)]),
    ...(timestamps === undefined ? [] : [describeStamped(timestamps)]),
    ...describeFactsOnly(factsOnly),
    ...(followed ? [] : ['the journal could be followed no further: what lies behind this was not checked, and is in none of these counts']),
    ...(keySource === 'none' ? ['there is no key in it to check signatures with: give log/key of the gateway, kept elsewhere, as --key'] : []),
    ...losses.flatMap(describeLoss),
    ...restorations.map(
      ({ epoch, index, size }) =>
        `epoch ${epoch}, from record ${index} on, was recorded by a copy that was restored from a backup of ${countOf(size, 'record')}`,
    ),
    ...describePauses(counts.pauses, pauses),
    keys === undefined
      ? 'without the key store: whether the bodies can still be opened was not checked'
      : `${countOf(keys, 'key')} announced and compared with the key store`,
    describeBodies(bodies),
    ...(retention === undefined ? [] : [describeRetention(retention, keys !== undefined)]),
    ...(unsigned.leaves === 0 ? [] : [`not yet under a signature: ${countOf(unsigned.leaves, 'record')}`]),
    ...(unsigned.tornBytes === 0
      ? []
      : [
          `behind the last record ${unsigned.tornBytes === 1 ? 'is' : 'are'} ${countOf(unsigned.tornBytes, 'byte')} that ${unsigned.tornBytes === 1 ? 'is' : 'are'} neither a record nor empty: what a crash left of a write, or damage where nothing was recorded. Nothing that is signed, or was written later, says that a record was there`,
        ]),
    ...(leaves < leavesForRateMin ? [] : [`${Math.round(leavesPerSecond).toLocaleString('en-US')} records a second`]),
  ];
}

/** Says which segments are only in the bucket, and whether they were read there. */
export function describeBucket({ dropped, bucket: { bucket, prefix } }: BucketRecord, isRead: boolean): string[] {
  const where = `s3://${bucket}/${prefix}`;
  return dropped === 0
    ? []
    : [
        isRead
          ? `segments 1 to ${dropped} were read from ${where}, which alone has them`
          : `segments 1 to ${dropped} are only in ${where}, and were not read there: --storage reads them`,
      ];
}

function describeCosigned({ checkpoints, newest }: NonNullable<StoreReport['cosigned']>): string {
  if (newest === undefined) {
    return `${countOf(checkpoints, 'cosigned checkpoint')}, none of which meets the policy of witnesses`;
  }
  const { size, quorumMs, witnesses } = newest;
  const when = quorumMs === null ? '' : `: a quorum knew no larger log at ${new Date(quorumMs).toISOString()}, by the clocks of the witnesses`;
  return `${countOf(checkpoints, 'cosigned checkpoint')}, the newest over record ${size} by ${witnesses.join(', ') || 'no witness'}${when}`;
}

function describeStamped({ checkpoints, newest }: NonNullable<StoreReport['timestamps']>): string {
  const rest = newest === undefined ? 'none by a trusted authority' : `the newest over record ${newest.size}: ${describeTimestamp(newest)}`;
  return `${countOf(checkpoints, 'stamped checkpoint')}, ${rest}`;
}

/** Describes a loss that the operator accepted (`up --accept-rollback`). Somebody who kept a newer checkpoint also finds it with --known. */
function describeLoss({ epoch, index, records, key }: StoreReport['losses'][number]): string[] {
  const lost = [
    ...(records === null ? [] : [`of ${countOf(records, 'record')} that were known, those from ${index} on are gone`]),
    ...(key === null ? [] : [`the newest keys up to ${key} are gone, and what they open`]),
  ];
  return [`epoch ${epoch} declares a loss: ${lost.join('; ')}`];
}

/** Describes pauses. They are not findings: the gateway states under its signature that it recorded nothing in that time, and the records around it agree. */
function describePauses(count: number, pauses: StoreReport['pauses']): string[] {
  const lines = pauses.slice(0, pausesShownMax).map(({ from, to, monotonic }) => {
    const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
    return `nothing was recorded from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}: ${seconds(to - from)} by the clock, ${seconds(monotonic)} measured`;
  });
  return count > lines.length ? [...lines, `and in ${countOf(count - lines.length, 'pause')} more`] : lines;
}

/** Says what was deleted, by cause and class. A hold is a class of its own, with one key. */
function describeRetention({ atMs, erased, pending }: NonNullable<StoreReport['retention']>, hasKeyStore: boolean): string {
  const isOfHold = (each: (typeof erased)[number]): boolean => each.class !== null && each.class >= firstHoldClass;
  const holds = erased.filter(isOfHold).reduce((sum, { count }) => sum + count, 0);
  const destroyed = erased
    .filter((each) => !isOfHold(each))
    .map(({ cause, class: number, count }) =>
      number === null ? `${countOf(count, 'secret')} ${cause}` : `${countOf(count, 'key')} of class ${number} ${cause}`,
    );
  const all = [...destroyed, ...(holds === 0 ? [] : [`${countOf(holds, 'key')} of holds released`])];
  const words = [
    all.length === 0 ? 'nothing was deleted' : `deleted: ${all.join(', ')}`,
    ...(hasKeyStore ? [] : ['whether the keys are gone, and anything is kept too long, was not judged without the key store']),
    ...(pending === 0 ? [] : [`${countOf(pending, 'erasure')} announced and not completed yet`]),
  ];
  return `retention, judged for ${new Date(atMs).toISOString().slice(0, 10)}: ${words.join('; ')}`;
}

function describeBodies(bodies: StoreReport['counts']['bodies']): string {
  if (bodies === undefined) {
    return 'the sealed bodies were not opened: whether they are what their leaves commit to was not checked';
  }
  const { opened, erased, mismatched, unreadable } = bodies;
  const rest = [
    ...(mismatched === 0 ? [] : [`${mismatched} ${mismatched === 1 ? 'is' : 'are'} not`]),
    ...(erased === 0 ? [] : [`${erased} ${erased === 1 ? 'is' : 'are'} erased`]),
    ...(unreadable === 0 ? [] : [`${unreadable} could not be opened`]),
  ];
  return [
    opened === 1 ? '1 sealed body was opened and is what its leaf commits to' : `${opened} sealed bodies were opened and are what their leaves commit to`,
    ...rest,
  ].join(', ');
}
