/** Records what repeats itself into the directory given, says what was committed, and is killed: what a crash leaves. */
import { writeSync } from 'node:fs';
import { openRecorder } from './open-recorder.ts';

const data = process.argv[2] ?? '';
const { recorder } = await openRecorder(data);
const track = recorder.openSession();
let said = '';
for (let i = 0; i < 500; i++) {
  said += `statement ${i}\n`;
  recorder.append(track, { kind: 'request', meta: '{"channel":1}', content: [Buffer.from(said)], repeats: true });
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
