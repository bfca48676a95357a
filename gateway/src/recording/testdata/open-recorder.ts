import { randomBytes, type KeyObject } from 'node:crypto';
import type { KeyStore } from '../key-store.ts';
import { openStore } from '../open-store.ts';
import { Recorder } from '../recorder.ts';
import { standardKeeping, type Keeping } from '../retention.ts';

export interface OpenRecorderOptions {
  readonly segmentBytes?: number;
  readonly clock?: () => number;
  readonly keeping?: Keeping;
  readonly newSessionId?: () => string;
  /** True: an older part of the store is accepted, and the loss declared. */
  readonly mayRollBack?: boolean;
  /** Called with a fatal error. Absent: the error is thrown. */
  readonly onFatal?: (error: Error) => void;
}

interface OpenedRecorder {
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  /** The root secret. */
  readonly root: KeyObject;
}

/** A recorder as the gateway opens it, with the keys that it uses. */
export async function openRecorder(data: string, { mayRollBack = false, ...options }: OpenRecorderOptions = {}): Promise<OpenedRecorder> {
  const { keys, root, end, rollback } = await openStore(data, {}, mayRollBack);
  const recorder = await Recorder.open({
    data,
    software: 'test',
    keys,
    keeping: standardKeeping(400, 90),
    end,
    rollback,
    clock: () => Date.now(),
    newSessionId: () => randomBytes(16).toString('hex'),
    onFatal: (error) => {
      throw error;
    },
    onTrouble: () => undefined,
    ...options,
  });
  return { recorder, keys, root: root.secret };
}
