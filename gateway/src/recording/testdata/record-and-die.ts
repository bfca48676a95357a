/** Records into the directory given, says what was committed, and is killed: what a crash leaves. */
import { writeSync } from 'node:fs';
import { openRecorder } from './open-recorder.ts';

const data = process.argv[2] ?? '';
const { recorder } = await openRecorder(data);
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
