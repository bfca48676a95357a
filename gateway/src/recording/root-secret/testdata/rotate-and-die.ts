/** Rotates the root secret of the directory given, by a clock that stands at `nowMs`, and is killed after the step given. */
import { openRecorder } from '../../testdata/open-recorder.ts';
import { LocalProvider } from '../local-provider.ts';
import { RootRotation } from '../root-rotation.ts';

const [data = '', last, nowMs] = process.argv.slice(2);
const now = (): number => Number(nowMs);
const { recorder, keys } = await openRecorder(data, { clock: now });
const rotation = new RootRotation({
  keys,
  recorder,
  provider: LocalProvider.readDefault(data, {}, false),
  share: () => Promise.resolve(),
  escrow: () => Promise.resolve(),
  now,
  onStep: (step) => {
    if (step === last) {
      process.kill(process.pid, 'SIGKILL');
    }
  },
});
await rotation.rotate();
