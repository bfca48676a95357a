/** Records into the directory given, says what was committed, and is killed: what a crash leaves. */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { KeyStore } from '../key-store.ts';
import { Recorder } from '../recorder.ts';
import { recoverJournal } from '../recovery.ts';
import { openRootKey } from '../root-key.ts';

const data = process.argv[2] ?? '';
const recorder = await Recorder.open({
  data,
  software: 'test',
  keys: KeyStore.open(`${data}/keys.db`, openRootKey(data, {}, true)),
  retention: { metaDays: 400, contentDays: 90 },
  end: await recoverJournal(data),
  clock: () => Date.now(),
  newSessionId: () => randomBytes(16).toString('hex'),
  onFatal: (error) => {
    throw error;
  },
  onTrouble: () => undefined,
});
const track = recorder.openSession();
for (let i = 0; i < 500; i++) {
  recorder.append(track, { kind: 'request', meta: '{"channel":1}', content: [Buffer.from(`statement ${i}`)] });
  if (i % 100 === 0) {
    await new Promise<void>((resolve) => {
      recorder.whenCommitted('process', resolve);
    });
  }
}
await new Promise<void>((resolve) => {
  recorder.whenCommitted('process', resolve);
});
writeSync(1, JSON.stringify({ session: track.id, records: track.seq }));
process.kill(process.pid, 'SIGKILL');
