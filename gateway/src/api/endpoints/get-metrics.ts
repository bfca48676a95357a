import { statfs } from 'node:fs/promises';
import type { ArchiveState } from '../../archive/archive-state.ts';
import { text } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { Durability } from '../../domain/target.ts';
import type { ApiParts } from '../parts.ts';
import { secondsSince, unreadiness } from '../readiness.ts';
import type { TimestampingStatus } from '../../timestamps/timestamping.ts';
import type { CosigningStatus } from '../../witnesses/cosigning.ts';
import type { Histogram } from '../../recording/histogram.ts';

/** The text format of Prometheus, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
const mediaType = 'text/plain; version=0.0.4; charset=utf-8';

export const getMetrics = endpoint({
  id: 'getMetrics',
  method: 'GET',
  path: '/metrics',
  summary: 'Returns the metrics of the gateway for Prometheus.',
  callers: 'auditors',
  answer: text(mediaType),
  act: async (
    parts: Pick<
      ApiParts,
      | 'data'
      | 'software'
      | 'recorder'
      | 'reader'
      | 'refusals'
      | 'outbox'
      | 'sinkStates'
      | 'cosigning'
      | 'timestamping'
      | 'archiveState'
      | 'storeFault'
      | 'rootFault'
      | 'isStopping'
    >,
  ) => {
    const { data, software, recorder, reader, refusals, outbox, sinkStates, cosigning, timestamping, archiveState } = parts;
    const { bavail, blocks, bsize } = await statfs(data);
    return formatMetrics({
      software,
      epoch: recorder.epoch,
      sessionsOpen: recorder.sessionsOpen,
      sessionsOpened: recorder.sessionsOpened,
      records: recorder.size,
      journalBytes: recorder.journalBytes,
      commits: recorder.commits,
      indexBehind: Math.max(0, recorder.size - reader.state.size),
      searchBehind: Math.max(0, recorder.size - reader.records.size),
      searchWholeSecondsAgo: reader.records.wholeSecondsAgo,
      refusals: refusals.counts,
      noticesWaiting: outbox.waiting,
      sinksBehind: new Map(sinkStates().map(({ name, behind }) => [name, behind])),
      sinksFailing: outbox.failing.length + sinkStates().filter(({ isFailing }) => isFailing).length,
      archive: archiveState(),
      disk: { freeBytes: bavail * bsize, totalBytes: blocks * bsize },
      checkpoint: { size: recorder.published.size, ageSeconds: secondsSince(recorder.publishedMs) },
      cosigning: cosigning?.status ?? null,
      timestamping: timestamping?.status ?? null,
      memoryBytes: process.memoryUsage.rss(),
      isRootGiven: parts.rootFault() === null,
      isReady: unreadiness(parts).length === 0,
    });
  },
});

/** The measurements of the gateway at one moment. They say nothing about any person. */
interface Measures {
  readonly software: string;
  readonly epoch: number;
  readonly sessionsOpen: number;
  /** Number of sessions since the start. */
  readonly sessionsOpened: number;
  /** Number of records in the log, from its beginning. */
  readonly records: number;
  /** Number of bytes written to the journal since the start. */
  readonly journalBytes: number;
  /** By durability, the time in seconds from a record to its commit. Of the records that were committed together, the one that waited longest counts. */
  readonly commits: Readonly<Record<Durability, Histogram>>;
  /** Number of records that the index does not have yet. */
  readonly indexBehind: number;
  /** Number of records that the index of records does not have yet, and how long ago it had all. */
  readonly searchBehind: number;
  readonly searchWholeSecondsAgo: number;
  /** Number of refusals since the start, by error code. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Number of notices that are not sent yet, by sink. */
  readonly noticesWaiting: ReadonlyMap<string, number>;
  /** Number of records that a sink which follows the record has not taken yet, by sink. */
  readonly sinksBehind: ReadonlyMap<string, number>;
  readonly sinksFailing: number;
  /** Null: there is no bucket, or nobody has looked yet. */
  readonly archive: ArchiveState | null;
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number };
  /** The newest published checkpoint. */
  readonly checkpoint: { readonly size: number; readonly ageSeconds: number };
  /** Null: no witnesses are configured. */
  readonly cosigning: CosigningStatus | null;
  /** Null: no authority of timestamps is configured. */
  readonly timestamping: TimestampingStatus | null;
  readonly memoryBytes: number;
  readonly isRootGiven: boolean;
  readonly isReady: boolean;
}

function formatMetrics(measures: Measures): string {
  const { archive, disk, checkpoint, commits } = measures;
  return [
    metric('countersign_info', 'gauge', 'The version that runs, and its epoch in the log.', [
      [{ software: measures.software, epoch: String(measures.epoch) }, 1],
    ]),
    metric('countersign_root_key_given', 'gauge', '0 where no new session is opened because the root key is not given any more.', [
      [{}, measures.isRootGiven ? 1 : 0],
    ]),
    metric('countersign_ready', 'gauge', '1 where /readyz says that requests are served.', [[{}, measures.isReady ? 1 : 0]]),
    metric('countersign_sessions_open', 'gauge', 'Sessions that are open now.', [[{}, measures.sessionsOpen]]),
    metric('countersign_sessions_opened_total', 'counter', 'Sessions opened since the start.', [[{}, measures.sessionsOpened]]),
    metric('countersign_records_total', 'counter', 'Records in the log, from its beginning.', [[{}, measures.records]]),
    metric('countersign_journal_bytes_total', 'counter', 'Bytes written to the journal since the start.', [[{}, measures.journalBytes]]),
    histogram('countersign_commit_seconds', 'From when a record waits for its commit until it may move on; of those committed together the longest.', commits),
    metric('countersign_index_behind_records', 'gauge', 'Records that are not in the index yet.', [[{}, measures.indexBehind]]),
    metric('countersign_search_behind_records', 'gauge', 'Records that searches do not find yet.', [[{}, measures.searchBehind]]),
    metric('countersign_search_lag_seconds', 'gauge', 'How long ago searches found all records; 0 where they do now.', [
      [{}, measures.searchBehind === 0 ? 0 : measures.searchWholeSecondsAgo],
    ]),
    metric(
      'countersign_refusals_total',
      'counter',
      'Logins and requests of the API that were refused since the start, by error code.',
      Array.from(measures.refusals, ([reason, count]) => [{ reason }, count]),
    ),
    metric(
      'countersign_notices_waiting',
      'gauge',
      'Notices that are not sent yet, by sink.',
      Array.from(measures.noticesWaiting, ([sink, count]) => [{ sink }, count]),
    ),
    metric(
      'countersign_sink_behind_records',
      'gauge',
      'Records that a sink has not taken yet, by sink.',
      Array.from(measures.sinksBehind, ([sink, count]) => [{ sink }, count]),
    ),
    metric('countersign_sinks_failing', 'gauge', 'Sinks whose last attempt failed.', [[{}, measures.sinksFailing]]),
    ...(archive === null
      ? []
      : [
          metric('countersign_archive_behind_segments', 'gauge', 'Complete segments that the bucket has not got yet.', [[{}, archive.behindSegments]]),
          metric('countersign_archive_behind_bytes', 'gauge', 'Bytes of the segments that the bucket has not got yet.', [[{}, archive.behindBytes]]),
          metric('countersign_archive_failing', 'gauge', '1 where the bucket did not take what was sent last.', [[{}, archive.failure === null ? 0 : 1]]),
        ]),
    metric('countersign_disk_free_bytes', 'gauge', 'Space left where the data directory is.', [[{}, disk.freeBytes]]),
    metric('countersign_disk_bytes', 'gauge', 'All space where the data directory is.', [[{}, disk.totalBytes]]),
    metric('countersign_checkpoint_size', 'gauge', 'Records under the newest published checkpoint.', [[{}, checkpoint.size]]),
    metric('countersign_checkpoint_age_seconds', 'gauge', 'How long ago the newest checkpoint was published.', [[{}, checkpoint.ageSeconds]]),
    ...(measures.cosigning === null ? [] : cosigningMetrics(measures.cosigning)),
    ...(measures.timestamping === null ? [] : timestampingMetrics(measures.timestamping)),
    metric('process_resident_memory_bytes', 'gauge', 'Memory of the process.', [[{}, measures.memoryBytes]]),
  ].join('');
}

function cosigningMetrics({ cosigned, witnesses }: CosigningStatus): readonly string[] {
  return [
    metric('countersign_cosigned_size', 'gauge', 'Records under the newest checkpoint that the quorum of witnesses has cosigned since the start.', [
      [{}, cosigned?.size ?? 0],
    ]),
    metric('countersign_cosigned_age_seconds', 'gauge', 'How long ago that was; +Inf if it never was.', [
      [{}, cosigned === null ? Infinity : Math.max(0, Date.now() - cosigned.atMs) / 1000],
    ]),
    metric(
      'countersign_witness_cosigning',
      'gauge',
      '1 for a witness whose last answer was a cosignature.',
      witnesses.map(({ name, state }) => [{ witness: name }, state === 'cosigning' ? 1 : 0]),
    ),
  ];
}

function timestampingMetrics({ stamped, failure }: TimestampingStatus): readonly string[] {
  return [
    metric('countersign_timestamped_size', 'gauge', 'Records under the newest checkpoint that the authority of timestamps has stamped.', [
      [{}, stamped?.size ?? 0],
    ]),
    metric('countersign_timestamped_age_seconds', 'gauge', 'How long ago that was; +Inf if it never was.', [
      [{}, stamped === null ? Infinity : Math.max(0, Date.now() - stamped.atMs) / 1000],
    ]),
    metric('countersign_timestamps_failing', 'gauge', '1 where the authority gave no timestamp when it was asked last.', [[{}, failure === null ? 0 : 1]]),
  ];
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

function metric(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  return head(name, type, help) + samples.map(([labels, value]) => line(name, labels, value)).join('');
}

function histogram(name: string, help: string, byDurability: Readonly<Record<string, Histogram>>): string {
  const samples = Object.entries(byDurability).map(([durability, measured]) => {
    const buckets = measured.buckets();
    return [
      ...buckets.map(({ bound, count }) => line(`${name}_bucket`, { durability, le: numberText(bound) }, count)),
      line(`${name}_sum`, { durability }, measured.sum),
      line(`${name}_count`, { durability }, buckets.at(-1)?.count ?? 0),
    ].join('');
  });
  return head(name, 'histogram', help) + samples.join('');
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** Formats a sample. The values of labels are the gateway's own words, so no value should need escaping; characters that would are replaced. */
function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, given]) => `${label}="${given.replaceAll(/["\\\n]/g, '_')}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}\n`;
}

function numberText(value: number): string {
  return value === Infinity ? '+Inf' : String(value);
}
