import { randomBytes } from 'node:crypto';
import type { KeyStore } from '../key-store.ts';
import { openStore } from '../open-store.ts';
import { Recorder } from '../recorder.ts';

export interface OpenRecorderOptions {
  readonly segmentBytes?: number;
  readonly clock?: () => number;
  /** Otherwise what is fatal is thrown. */
  readonly onFatal?: (error: Error) => void;
}

/** A recorder as the gateway opens it, with the keys that it uses. */
export async function openRecorder(data: string, options: OpenRecorderOptions = {}): Promise<{ readonly recorder: Recorder; readonly keys: KeyStore }> {
  const { keys, end, rollback } = await openStore(data, {}, false);
  const recorder = await Recorder.open({
    data,
    software: 'test',
    keys,
    retention: { metaDays: 400, contentDays: 90 },
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
  return { recorder, keys };
}
