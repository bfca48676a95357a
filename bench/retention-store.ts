/** Makes a store in its own process: DIRECTORY SESSIONS. The sessions are of 500 days ago, so that facts and contents of all of them have expired. */
import { openErasures, recordSession } from '../gateway/src/retention/testdata/open-erasures.ts';

const agoDays = 500;
/** So many sessions are recorded before it is waited until they are written. */
const atOnce = 64;
const content = 'SELECT id, name, email, card FROM customers WHERE id = 4242 ORDER BY id';

const [directory = '', sessionsText = ''] = process.argv.slice(2);
const { recorder, keys } = await openErasures(directory, agoDays);
for (let done = 0; done < Number(sessionsText); done += atOnce) {
  for (let i = 0; i < atOnce; i++) {
    recordSession(recorder, content);
  }
  await new Promise<void>((resolve) => {
    recorder.whenCommitted('process', resolve);
  });
}
await recorder[Symbol.asyncDispose]();
keys[Symbol.dispose]();
