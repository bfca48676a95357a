/** Does, in the directory given, an act of which the key store notes that it is on record, and is killed when its record is appended, or as soon as that is committed. */
import { openTold, toldActs } from './open-told.ts';

const [data = '', name = '', point] = process.argv.slice(2);
const { before, act, kind, body } = toldActs[name] ?? process.exit(2);
let isAppended = false;
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
const dieAppended = (): void => {
  if (isAppended && point === 'appended') {
    die();
  }
};
const told = await openTold(data, dieAppended);
await before(told, data);
const { recorder } = told;
const append = recorder.append.bind(recorder);
const appendFromReserve = recorder.appendFromReserve.bind(recorder);
const tapped =
  (inner: typeof append): typeof append =>
  (track, draft) => {
    const seq = inner(track, draft);
    isAppended ||= draft.kind === kind && draft.meta.includes(body);
    return seq;
  };
recorder.append = tapped(append);
recorder.appendFromReserve = tapped(appendFromReserve);
const whenCommitted = recorder.whenCommitted.bind(recorder);
recorder.whenCommitted = (durability, release) => {
  dieAppended();
  whenCommitted(durability, isAppended ? die : release);
};
await act(told);
