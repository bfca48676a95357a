/** Erases, in the directory given, all that was kept until a day that has passed, and is killed after the step given. */
import { dayOf } from '../../recording/retention.ts';
import { openErasures } from './open-erasures.ts';

const [data = '', last] = process.argv.slice(2);
const { keys, erasures } = await openErasures(data, 0, (step) => {
  if (step === last) {
    process.kill(process.pid, 'SIGKILL');
  }
});
const expired = keys.classDays().filter(({ day }) => day < dayOf(Date.now()));
await erasures.erase({ cause: 'expired', keys: expired, secrets: [], why: { by: 'ann' } });
