/** Begins to rotate the signing key of a store, and stands still at a step of it, which it prints, until it is killed: `node rotate-and-wait.ts DATA STEP`. */
import { writeSync } from 'node:fs';
import { SigningRotation } from '../signing-rotation.ts';
import { openRecorder } from './open-recorder.ts';

const [data = '', wanted = ''] = process.argv.slice(2);
const { recorder, keys } = await openRecorder(data);
const onStep = (step: string): void => {
  if (step === wanted) {
    writeSync(1, step);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
};
await new SigningRotation({ keys, recorder, onStep }).rotate();
