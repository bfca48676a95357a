/** One measured run in its own process: DIRECTORY append|recorder process|disk BYTES RECORDS RATE. Prints a RecorderRun. */
import { randomBytes } from 'node:crypto';
import { closeSync, fdatasync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openRecorder } from '../gateway/src/recording/testdata/open-recorder.ts';

export interface RecorderRun {
  readonly recordsPerSecond: number;
  /** From handing over a batch until it is released. */
  readonly commitMs: readonly number[];
}

interface Subject {
  /** Records one batch of `count` contents. */
  commit(content: Buffer, count: number): Promise<void>;
  close(): Promise<void>;
}

const sessions = 8;
const batchRecords = 64;
const [directory = '', what = '', durability = '', bytesText = '', recordsText = '', rateText = ''] = process.argv.slice(2);
const meta = JSON.stringify({ channel: 1, action: 'bench.act', verdict: 'allow', policies: ['grant:bench:bench'], policyVersion: 'v1' });

async function openSubject(): Promise<Subject> {
  const { recorder } = await openRecorder(directory);
  const tracks = Array.from({ length: sessions }, () => recorder.openSession());
  return {
    commit: (content, count) => {
      for (let i = 0; i < count; i++) {
        const track = tracks[i % sessions];
        if (track !== undefined) {
          recorder.append(track, { kind: 'request', meta, content: [content] });
        }
      }
      return new Promise((resolve) => {
        recorder.whenCommitted(durability === 'disk' ? 'disk' : 'process', resolve);
      });
    },
    close: () => recorder[Symbol.asyncDispose](),
  };
}

/** A file to which as many bytes of content and meta are appended, with one write for each batch. */
async function openAppend(): Promise<Subject> {
  const fd = openSync(join(directory, 'plain'), 'a');
  const sync = promisify(fdatasync);
  return Promise.resolve({
    commit: async (content: Buffer, count: number) => {
      const metaBytes = Buffer.from(meta);
      writeSync(fd, Buffer.concat(Array.from({ length: count }, () => [metaBytes, content]).flat()));
      await (durability === 'disk' ? sync(fd) : new Promise((resolve) => setImmediate(resolve)));
    },
    close: async () => {
      closeSync(fd);
      return Promise.resolve();
    },
  });
}

const content = randomBytes(Number(bytesText));
const records = Number(recordsText);
const rate = Number(rateText);
const subject = await (what === 'recorder' ? openSubject() : openAppend());
const commitMs: number[] = [];
const start = performance.now();
for (let done = 0; done < records; done += batchRecords) {
  if (rate > 0) {
    await new Promise((resolve) => {
      setTimeout(resolve, Math.max(0, start + (done / rate) * 1000 - performance.now()));
    });
  }
  const handed = performance.now();
  await subject.commit(content, batchRecords);
  commitMs.push(performance.now() - handed);
}
const recordsPerSecond = (records / (performance.now() - start)) * 1000;
await subject.close();
const run: RecorderRun = { recordsPerSecond, commitMs };
process.stdout.write(JSON.stringify(run));
