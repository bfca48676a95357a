/** Erases, in the directory given, all that was kept until a day that has passed, or the secrets of the first session, and is killed after the step given, which it prints. */
import { writeSync } from 'node:fs';
import { dayOf } from '../../recording/retention.ts';
import { oldKey, openErasures } from './open-erasures.ts';

const [data = '', last, what] = process.argv.slice(2);
const { keys, erasures } = await openErasures(data, 0, (step) => {
  if (step === last) {
    writeSync(process.stdout.fd, step);
    process.kill(process.pid, 'SIGKILL');
  }
});
const expired = keys.classDays().filter(({ day }) => day < dayOf(Date.now()));
const why = { by: 'ann' };
await (what === 'keys'
  ? erasures.erase({ cause: 'expired', keys: expired, secrets: [], why })
  : erasures.erase({
      cause: 'erased',
      keys: [],
      secrets: [
        [oldKey, 1],
        [oldKey, 2],
      ],
      why,
    }));
