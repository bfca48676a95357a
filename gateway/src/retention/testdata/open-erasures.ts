import type { KeyObject } from 'node:crypto';
import { openRecorder } from '../../recording/testdata/open-recorder.ts';
import type { KeyStore } from '../../recording/key-store.ts';
import type { Recorder } from '../../recording/recorder.ts';
import { Erasures, type ErasureStep } from '../erasures.ts';

export const dayMs = 86_400_000;

const aheadMs = (Math.floor(Date.now() / dayMs) + 0.5) * dayMs - Date.now();

/** The time in ms on a clock that stood at noon when the test began, so that no day ends meanwhile. */
export const noonClock = (): number => Date.now() + aheadMs;

/** The number of the secrets of the first session that is recorded in a store; the gateway's own session has those before. */
export const oldKey = 2;

interface OpenedErasures {
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  readonly root: KeyObject;
  readonly erasures: Erasures;
}

/** A recorder with its erasures, on the clock of noon. `agoDays`: it is so many days late. */
export async function openErasures(data: string, agoDays = 0, onStep: (step: ErasureStep) => void = () => undefined): Promise<OpenedErasures> {
  const { recorder, keys, root } = await openRecorder(data, { clock: () => noonClock() - agoDays * dayMs });
  return { recorder, keys, root, erasures: new Erasures({ recorder, keys, forget: () => Promise.resolve(), onStep }) };
}

/** Records a session with one request, and returns its id. */
export function recordSession(recorder: Recorder, said: string): string {
  const track = recorder.openSession();
  recorder.append(track, { kind: 'request', meta: '{"channel":1}', content: [Buffer.from(said)] });
  recorder.closeSession(track, 'client');
  return track.id;
}
