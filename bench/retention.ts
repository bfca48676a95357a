import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, fdatasyncSync, closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../cli/src/store-files.ts';
import { Archiver } from '../gateway/src/archive/archiver.ts';
import { s3Environment } from '../gateway/src/archive/testdata/s3-server.ts';
import { Bucket } from '../gateway/src/bucket/bucket.ts';
import { openKeyRows } from '../gateway/src/recording/key-rows.ts';
import { openErasures } from '../gateway/src/retention/testdata/open-erasures.ts';
import { printAims } from './aims.ts';
import { median, printMachine, printTable, ratio, thousands } from './table.ts';

const sessionsByDefault = 1_000_000;
/** So many sessions are recorded, uploaded and verified: what is measured of them is a rate. */
const recordedSessions = 100_000;
const rounds = 3;
/** So many secrets are destroyed one by one, beside the keys that open all of them. */
const oneByOne = 10_000;
const secretsAtOnce = 1000;
/** The delays of the event loop are sampled by a timer, which has to begin before the work and to end after it. */
const settleMs = 50;
const uploadMsMax = 600_000;
/** The sessions are of so many days ago, so that their facts and contents have expired. */
const agoDays = 500;
const dayMs = 86_400_000;

/**
 * `npm run bench -- retention [SESSIONS [RECORDED]]`: the deletion of so many sessions that have expired, of one class and day; the upload of a journal to a server that
 * speaks the protocol of S3; and how fast a store is verified from which everything was deleted. Each beside what it can be compared with.
 */
export async function benchRetention([shredded = sessionsByDefault, recorded = recordedSessions]: readonly (string | number)[]): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  try {
    printMachine();
    const shreddingMs = await measureShredding(makeIn(directory, 'shredded'), Number(shredded));
    console.log('');
    const data = makeIn(directory, 'recorded');
    const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'retention-store.ts'), data, String(recorded)], { encoding: 'utf8' });
    if (status !== 0) {
      throw new Error(`the store could not be made: ${stderr}`);
    }
    await measureUpload(data);
    console.log('');
    await measureVerification(data);
    printAims([{ text: `work on the thread of the data path to delete ${thousands(Number(shredded))} sessions, in s`, measured: shreddingMs / 1000, most: 1 }]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function makeIn(directory: string, name: string): string {
  const made = join(directory, name);
  mkdirSync(made);
  return made;
}

interface Work {
  readonly elapsedMs: number;
  /** The time in which this thread was not idle. */
  readonly busyMs: number;
  /** The longest time for which nothing else could run on this thread, to a millisecond or two. */
  readonly longestMs: number;
}

async function workOf(act: () => Promise<void>): Promise<Work> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  await setTimeout(settleMs);
  delays.reset();
  const [before, start] = [performance.eventLoopUtilization(), performance.now()];
  await act();
  const work = { elapsedMs: performance.now() - start, busyMs: performance.eventLoopUtilization(before).active };
  await setTimeout(settleMs);
  return { ...work, longestMs: delays.max / 1e6 };
}

/** Returns the work of the deletion in ms. The indexes are in threads of their own, and not there. */
async function measureShredding(data: string, sessions: number): Promise<number> {
  {
    const { recorder, keys } = await openErasures(data, agoDays);
    const today = Math.floor(Date.now() / dayMs) - agoDays;
    for (let session = 0; session < sessions; session++) {
      keys.take({ class: 1, day: today + 400 }, { class: 1, day: today + 90 }, today);
    }
    await close(recorder, keys);
  }
  const { recorder, keys, erasures } = await openErasures(data);
  const expired = keys.classDays().filter(({ day }) => day < Math.floor(Date.now() / dayMs));
  const single = await workOf(async () => {
    for (let key = 1; key <= oneByOne; key += secretsAtOnce) {
      keys.destroy({ keys: [], secrets: Array.from({ length: secretsAtOnce }, (_, i) => [key + i, 2] as const) });
      await setImmediate();
    }
    await keys.overwriteRemains();
  });
  const all = await workOf(async () => {
    await erasures.erase({ cause: 'expired', keys: expired, secrets: [], why: { by: null, reason: 'a benchmark' } });
  });
  await close(recorder, keys);
  const row = (name: string, { elapsedMs, busyMs, longestMs }: Work): string[] => [name, elapsedMs.toFixed(1), busyMs.toFixed(1), longestMs.toFixed(1)];
  printTable([
    ['deletion', 'ms until it is completed', 'ms of work on the thread', 'longest turn in ms'],
    row(`${thousands(sessions)} sessions of one day, by ${expired.length} keys, recorded and signed`, all),
    row(`${thousands(oneByOne)} secrets one by one, not recorded`, single),
  ]);
  return all.busyMs;
}

async function close(recorder: AsyncDisposable, keys: Disposable): Promise<void> {
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
}

/** Sends whole segments, and copies the same to another directory, and sends them without what the archive checks. */
async function measureUpload(data: string): Promise<void> {
  const names = readdirSync(join(data, 'journal')).toSorted().slice(0, -1);
  if (names.length === 0) {
    console.log('No segment is complete: nothing was uploaded.');
    return;
  }
  const bytes = names.reduce((sum, name) => sum + statSync(join(data, 'journal', name)).size, 0);
  const child = spawn(process.execPath, [join(import.meta.dirname, 's3-process.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(child.stdout, 'data');
    const endpoint = String(line).trim();
    const copied = await workOf(async () => copyAll(data, names));
    const sent = await workOf(async () => sendBare(data, names, endpoint));
    const archived = await workOf(async () => archive(data, names.length, endpoint));
    const rate = ({ elapsedMs }: Work): string => thousands(bytes / 1e3 / elapsedMs);
    printTable([
      ['upload', 'MB/s', 'of plain PUT'],
      ['copy to another directory, with fdatasync', rate(copied), (sent.elapsedMs / copied.elapsedMs).toFixed(2)],
      ['plain PUT, one after the other, refused without a signature', rate(sent), '1.00'],
      ['archive: signed, digests checked, not replaced, with tiles', rate(archived), (sent.elapsedMs / archived.elapsedMs).toFixed(2)],
    ]);
    console.log(`\n${names.length} segments, ${thousands(bytes / 1e6)} MB; the server is a process on the same machine, and keeps them in memory.`);
  } finally {
    child.kill();
  }
}

async function copyAll(data: string, names: readonly string[]): Promise<void> {
  mkdirSync(join(data, 'copied'));
  for (const name of names) {
    const to = join(data, 'copied', name);
    copyFileSync(join(data, 'journal', name), to);
    const file = openSync(to, 'r+');
    fdatasyncSync(file);
    closeSync(file);
  }
  rmSync(join(data, 'copied'), { recursive: true });
  return Promise.resolve();
}

async function sendBare(data: string, names: readonly string[], endpoint: string): Promise<void> {
  for (const name of names) {
    const answer = await fetch(`${endpoint}/record/bare/${name}`, { method: 'PUT', body: readFileSync(join(data, 'journal', name)) });
    await answer.arrayBuffer();
  }
}

async function archive(data: string, segments: number, endpoint: string): Promise<void> {
  const leaving = new AbortController();
  const settings = {
    bucket: 'record',
    region: 'us-east-1',
    endpoint,
    prefix: '',
    caFile: null,
    accessKeyId: { env: 'AWS_ACCESS_KEY_ID' },
    secretAccessKey: { env: 'AWS_SECRET_ACCESS_KEY' },
    sessionToken: null,
    lock: null,
    keepLocal: { days: null, bytes: null },
    behindMs: uploadMsMax,
  };
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const archiver = new Archiver({
    data,
    settings,
    gatewayId: gatewayOf(data),
    bucket: new Bucket(settings, { environment: s3Environment, signal: leaving.signal, now: Date.now }),
    lock: null,
    signal: leaving.signal,
    now: Date.now,
    indexed: () => Infinity,
    tailFailure: () => null,
    onState: ({ kept, failure }) => {
      if (failure !== null) {
        reject(new Error(failure));
      } else if (kept >= segments) {
        resolve();
      }
    },
  });
  const running = archiver.run();
  await done;
  leaving.abort();
  await running;
  // The store is verified as it is here.
  rmSync(join(data, 'bucket.json'), { force: true });
}

/** The first line of a checkpoint names the gateway. */
function gatewayOf(data: string): string {
  return (
    readFileSync(join(data, 'log', 'checkpoint'), 'utf8')
      .slice('countersign/'.length)
      .split('\n', 1)[0] ?? ''
  );
}

/** Verifies the store once everything in it was deleted. */
async function measureVerification(data: string): Promise<void> {
  const { recorder, keys, erasures } = await openErasures(data);
  const expired = keys.classDays().filter(({ day }) => day < Math.floor(Date.now() / dayMs));
  await erasures.erase({ cause: 'expired', keys: expired, secrets: [], why: { by: null, reason: 'a benchmark' } });
  await close(recorder, keys);
  const ways = [
    { name: 'a copy without the key store', hasKeys: false, isJudged: false },
    { name: 'with the key store', hasKeys: true, isJudged: false },
    { name: 'with the key store and `--retention`', hasKeys: true, isJudged: true },
  ];
  const rates = ways.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, { hasKeys, isJudged }] of ways.entries()) {
      using keyRows = openKeyRows(join(data, 'keys.db'));
      const options = { ...(hasKeys ? { keyRows } : {}), ...(isJudged ? { retentionAtMs: Date.now() } : {}) };
      const { verdict, leavesPerSecond } = await verifyStore(openStoreFiles(data), options);
      if (verdict !== 'holds') {
        throw new Error(`the store does not verify: ${verdict}`);
      }
      // The first round warms up.
      rates[i]?.push(...(round === 0 ? [] : [leavesPerSecond]));
    }
  }
  const medians = rates.map(median);
  printTable([
    ['verification, median of 3', 'records/s', 'of a copy without'],
    ...ways.map(({ name }, i) => [name, thousands(medians[i] ?? Number.NaN), ratio(medians[i], medians[0])]),
  ]);
}
