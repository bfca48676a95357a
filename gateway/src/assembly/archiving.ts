import { Archive } from '../archive/archive.ts';
import type { ArchiveState } from '../archive/archive-state.ts';
import { GatewayError } from '../domain/errors.ts';
import type { StorageSettings } from '../domain/storage.ts';
import type { Reader } from '../reader/reader.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { RetentionSettings } from '../retention/retention-rules.ts';
import { printMeta } from '../sessions/meta.ts';
import type { Logger } from '../telemetry.ts';

/** Days of Object Lock for what is kept for ever. */
const lockDaysMax = 36_500;

interface ArchivingParts {
  /** The module of the thread. */
  readonly thread: URL;
  readonly data: string;
  readonly settings: StorageSettings;
  readonly retention: RetentionSettings;
  readonly recorder: Recorder;
  readonly reader: Reader;
  readonly log: Logger;
  readonly now: () => number;
}

/** Starts the thread that fills the bucket, and records when it is behind for too long, and when it has all again. */
export function openArchive({ thread, data, settings, retention, recorder, reader, log, now }: ArchivingParts): Archive {
  let isLate = false;
  let failure: string | null = null;
  const note = (kind: 'alert' | 'event', action: string, reason?: string): void => {
    try {
      recorder.append(recorder.own, { kind, meta: printMeta(0, { action, ...(reason === undefined ? {} : { reason }) }), content: [] });
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      log.error({ err: error }, 'could not record that the bucket is behind, or no longer');
    }
  };
  const hear = (state: ArchiveState): void => {
    if (state.failure !== failure) {
      failure = state.failure;
      if (failure === null) {
        log.info({ bucket: state.bucket }, 'the bucket takes what is recorded again');
      } else {
        log.error({ bucket: state.bucket, reason: failure }, 'the bucket does not take what is recorded; it waits on the disk, and is sent later');
      }
    }
    const wasLate = isLate;
    isLate = state.behindSinceMs !== null && (isLate || now() - state.behindSinceMs > settings.behindMs);
    if (isLate && !wasLate) {
      note('alert', 'gateway.delay_archive', `${state.behindSegments} segments wait. ${state.failure ?? ''}`.trim());
    } else if (wasLate && !isLate) {
      note('event', 'gateway.resume_archive');
    }
  };
  const archive = new Archive({
    data,
    settings,
    gatewayId: recorder.gatewayId,
    lockDays: lockDaysOf(retention),
    thread,
    indexed: () => Math.min(reader.state.size, reader.records.size),
    onTrouble: (error, what) => {
      log.error({ err: error }, `could not ${what}`);
    },
    onState: hear,
    onAccepted: (place) => {
      recorder.remote.accept(place);
    },
  });
  recorder.remote.sendBy((durable) => {
    archive.send(durable);
  });
  return archive;
}

/** A segment is locked for as long as anything in it may be kept. What is to be forgotten earlier is forgotten with its keys. */
function lockDaysOf({ default: standard, rules }: RetentionSettings): number {
  const days = [standard, ...rules].flatMap(({ content, facts, floor }) => [content ?? lockDaysMax, facts ?? lockDaysMax, floor ?? 0]);
  return Math.min(lockDaysMax, Math.max(...days));
}
