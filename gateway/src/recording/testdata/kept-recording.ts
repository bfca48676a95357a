/** Recordings of sessions over days and classes, with a clock that is set. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { verifyStore, type StoreReport } from '@countersign/ledger';
import { openStoreFiles } from '../../../../cli/src/store-files.ts';
import type { OpenedRecord } from '../../domain/record.ts';
import type { SessionTrack } from '../batch.ts';
import { JournalOpener } from '../body-opener.ts';
import { journalStart } from '../journal-reader.ts';
import { openKeyRows } from '../key-rows.ts';
import { KeyStore } from '../key-store.ts';
import type { Recorder } from '../recorder.ts';
import { standardKeeping, type Keeping } from '../retention.ts';
import { readEntries, SessionOpener, type RawRecord } from '../session-reader.ts';
import { openRecorder } from './open-recorder.ts';
import { rootOf } from './root-of.ts';

export const dayMs = 86_400_000;
export const today = 20_000;
export const noon = today * dayMs + dayMs / 2;

export const standard = standardKeeping(400, 90);
export const short: Keeping = { facts: { class: 2, days: 400 }, content: { class: 2, days: 7 } };
export const forever: Keeping = { facts: { class: 3, days: null }, content: { class: 3, days: 30 } };

interface Recording {
  readonly data: string;
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  readonly clock: { nowMs: number };
  readonly track: SessionTrack;
  /** Records a request with a text of its own. Long texts repeat each other. */
  readonly say: (text: string, keeping?: Keeping) => void;
  readonly close: () => Promise<void>;
  /** Returns what the next start finds, and does, after a crash at this moment. */
  readonly crash: () => Promise<Recording>;
}

export function temporaryDirectory(t: TestContext): string {
  const data = mkdtempSync(join(tmpdir(), 'countersign-secrets-'));
  t.after(() => {
    rmSync(data, { recursive: true, force: true });
  });
  return data;
}

export async function record(t: TestContext, data = temporaryDirectory(t), nowMs = noon): Promise<Recording> {
  const clock = { nowMs };
  const { recorder, keys } = await openRecorder(data, { clock: () => clock.nowMs, keeping: standard });
  const track = recorder.openSession();
  const close = async (): Promise<void> => {
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
  };
  return {
    data,
    recorder,
    keys,
    clock,
    track,
    say: (text, keeping) => {
      recorder.append(track, {
        kind: 'request',
        meta: '{"channel":1}',
        content: [Buffer.from(text)],
        repeats: true,
        ...(keeping === undefined ? {} : { keeping }),
      });
    },
    close,
    crash: async () => {
      await committed(recorder);
      const copy = temporaryDirectory(t);
      cpSync(data, copy, { recursive: true, filter: (name) => !name.endsWith('.new') });
      await close();
      rmSync(data, { recursive: true });
      return record(t, copy, clock.nowMs);
    },
  };
}

export function committed(recorder: Recorder): Promise<void> {
  return new Promise((resolve) => {
    recorder.whenCommitted('process', resolve);
  });
}

export async function verify(data: string, nowMs: number): Promise<StoreReport> {
  using keyRows = openKeyRows(join(data, 'keys.db'));
  using bodies = new JournalOpener(() => openKeys(data));
  return verifyStore(openStoreFiles(data), { keyRows, bodies, now: () => nowMs });
}

export function openKeys(data: string): KeyStore {
  return KeyStore.openReadOnly(join(data, 'keys.db'), rootOf(data));
}

export async function rawsOf(data: string, session: string): Promise<RawRecord[]> {
  const raws: RawRecord[] = [];
  for await (const raw of readEntries(data, session, { from: journalStart })) {
    raws.push(raw);
  }
  return raws;
}

export async function readBack(data: string, session: string): Promise<OpenedRecord[]> {
  using keys = openKeys(data);
  const opener = new SessionOpener(keys);
  return (await rawsOf(data, session)).map((raw) => opener.open(raw));
}

export function textsOf(records: readonly OpenedRecord[]): readonly (string | null)[] {
  return records.filter(({ kind }) => kind === 'request').map(({ content, withheld }) => withheld ?? Buffer.from(content ?? []).toString());
}

/** The class keys that are left, each as `CLASS/DAY`. */
export function classKeys(data: string): readonly string[] {
  const database = new DatabaseSync(join(data, 'keys.db'));
  const rows = database.prepare('SELECT class, day FROM class_key').all();
  database.close();
  return rows.map((row) => `${Number(row['class'])}/${Number(row['day'])}`);
}

export function execute(data: string, sql: string): void {
  const database = new DatabaseSync(join(data, 'keys.db'));
  database.exec(sql);
  database.close();
}
