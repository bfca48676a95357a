import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, closeSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { verifyStore } from '@countersign/ledger';
import { commitSealed, equalBytes } from '@countersign/ledger/format';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { GatewayError } from '../domain/errors.ts';
import { KeyStore } from './key-store.ts';
import { journalStart } from './journal-reader.ts';
import type { Recorder } from './recorder.ts';
import { recoverJournal } from './recovery.ts';
import { standardClass } from './retention.ts';
import { openRoot } from './root-secret/open-root.ts';
import { KeystreamReader } from './keystream.ts';
import { readEntries, SessionOpener, type RawRecord } from './session-reader.ts';
import { openRecorder } from './testdata/open-recorder.ts';
import type { OpenedRecord } from '../domain/record.ts';
import { passMidnight } from '../../../tests/support/pass-midnight.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';

interface Opened {
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  readonly fatal: Error[];
}

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-recorder-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

async function open(data: string, segmentBytes?: number): Promise<Opened> {
  const fatal: Error[] = [];
  const onFatal = (error: Error): void => {
    fatal.push(error);
  };
  return { ...(await openRecorder(data, { onFatal, ...(segmentBytes === undefined ? {} : { segmentBytes }) })), fatal };
}

async function closeRecorder(opened: Opened): Promise<void> {
  await opened.recorder[Symbol.asyncDispose]();
  opened.keys[Symbol.dispose]();
}

function committed(recorder: Recorder, durability: 'disk' | 'process' = 'process'): Promise<void> {
  return new Promise((resolve) => {
    recorder.whenCommitted(durability, resolve);
  });
}

async function readBack(data: string, keys: KeyStore, session: string): Promise<OpenedRecord[]> {
  const opener = new SessionOpener(keys);
  const records: OpenedRecord[] = [];
  for await (const raw of readEntries(data, session, { from: journalStart })) {
    records.push(opener.open(raw));
  }
  return records;
}

const request = { kind: 'request', meta: JSON.stringify({ channel: 1, action: 'test.act' }) } as const;

test('of content of which only facts are recorded, the journal has a commitment that nobody can open, and the store holds', async (t) => {
  const data = temporaryDirectory(t);
  const opened = await open(data);
  const { recorder, keys } = opened;
  const track = recorder.openSession();
  const short = Buffer.from('yes');
  const contents = [short, short, Buffer.alloc(2048, 'a'), Buffer.alloc(2049, 'b'), Buffer.alloc(1024 * 1024, 'c'), Buffer.alloc(0)];
  const written = recorder.journalBytes;
  for (const content of contents) {
    recorder.append(track, { ...request, content: [content], factsOnly: true, repeats: true });
  }
  recorder.append(track, { ...request, content: [Buffer.from('kept')] });
  recorder.closeSession(track, 'client');
  await committed(recorder, 'disk');
  assert.ok(recorder.journalBytes - written < 8 * 1024);
  const raws: RawRecord[] = [];
  for await (const raw of readEntries(data, track.id, { from: journalStart })) {
    raws.push(raw);
  }
  const records = await readBack(data, keys, track.id);
  assert.deepEqual(
    records.slice(1, -1).map(({ content, withheld, meta }) => [content?.toString() ?? null, withheld, meta?.action]),
    [...contents.map(() => [null, 'not_kept', 'test.act']), ['kept', null, 'test.act']],
  );
  const [first, second] = raws.slice(1).map(({ leaf }) => leaf);
  assert.ok(first !== undefined && second !== undefined && !equalBytes(first.contentCommit, second.contentCommit));
  // Whoever has the keys can make every salt of the session.
  const secrets = (['meta', 'content'] as const).map((name) => keys.find(Number(records[0]?.governance?.['key']), name, keptAs(raws, name)));
  for (const secret of secrets) {
    assert.notEqual(secret, null);
    for (let position = 0; secret !== null && position < 16 * 1024; position += 16) {
      const { salt } = new KeystreamReader(secret).unseal(position, new Uint8Array());
      const guess = commitSealed({ slot: 'content', session: track.idBytes, sessionSeq: first.sessionSeq, salt, plaintext: short });
      assert.ok(!equalBytes(guess, first.contentCommit));
    }
  }
  await closeRecorder(opened);
  const report = await verifyStore(openStoreFiles(data));
  assert.deepEqual([report.verdict, report.findings, report.counts.factsOnly], ['holds', [], contents.length]);
});

/** The retention class and day of the session's bodies of one kind. */
function keptAs(raws: readonly RawRecord[], name: 'meta' | 'content'): { readonly class: number; readonly day: number } {
  const { leaf } = raws.at(-2) ?? assert.fail('no records');
  return name === 'meta' ? { class: leaf.metaClass, day: leaf.metaExpiryDay } : { class: leaf.contentClass, day: leaf.contentExpiryDay };
}

test('what was recorded is read back, of any size, compressible or not, across segments', async (t) => {
  const data = temporaryDirectory(t);
  const opened = await open(data, 2 * 1024 * 1024);
  const track = opened.recorder.openSession();
  const contents = [0, 1, 15, 16, 17, 2048, 2049, 4096, 70_000, 1024 * 1024].flatMap((length) => [
    randomBytes(length),
    Buffer.alloc(length, 'the same words again and again '),
  ]);
  for (const content of contents) {
    opened.recorder.append(track, { ...request, content: [content.subarray(0, 7), content.subarray(7)] });
  }
  opened.recorder.closeSession(track, 'client');
  await committed(opened.recorder, 'disk');
  const records = await readBack(data, opened.keys, track.id);
  assert.equal(records.length, contents.length + 2);
  for (const [i, content] of contents.entries()) {
    const record = records[i + 1];
    assert.equal(record?.withheld, null);
    assert.deepEqual(record?.meta, { channel: 1, action: 'test.act' });
    assert.deepEqual(Buffer.from(record?.content ?? []), content);
  }
  assert.deepEqual(records.at(-1)?.governance, { records: contents.length + 2, reason: 'client' });
  assert.ok(readdirSync(join(data, 'journal')).length > 1);
  await closeRecorder(opened);
});

test('nothing of the content, and no key, is in clear in any file; key files are private', async (t) => {
  const data = temporaryDirectory(t);
  const opened = await open(data);
  const track = opened.recorder.openSession();
  const canary = `canary-${randomBytes(12).toString('hex')}`;
  for (const repeat of [1, 1000]) {
    opened.recorder.append(track, {
      kind: 'request',
      meta: JSON.stringify({ channel: 1, reason: canary }),
      content: [Buffer.from(canary.repeat(repeat))],
    });
  }
  await committed(opened.recorder, 'disk');
  await closeRecorder(opened);
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(files.length > 4);
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    assert.ok(!readFileSync(path).includes(canary), path);
    assert.equal(statSync(path).mode & 0o077, 0, `${path} is private`);
  }
});

test('C28: after a kill the next start continues, closes open sessions and records what is unknown', async (t) => {
  const data = temporaryDirectory(t);
  const script = join(import.meta.dirname, 'testdata', 'record-and-die.ts');
  const died = spawnSync(process.execPath, [script, data], { encoding: 'utf8' });
  assert.equal(died.signal, 'SIGKILL', died.stderr);
  const { session, records } = JSON.parse(died.stdout);
  const opened = await open(data);
  const own = (await readBack(data, opened.keys, opened.recorder.own.id))[0];
  assert.deepEqual(own?.governance?.['previous'], {
    epoch: 1,
    clean: false,
    sessionsLeftOpen: 1,
    requestsWithoutOutcome: 1,
    unanswered: [{ session, seq: 1 }],
    tornBytes: 0,
  });
  const survived = await readBack(data, opened.keys, session);
  assert.equal(survived.length, records + 1, 'every record that was committed, and the close');
  assert.deepEqual(survived.at(-1)?.governance, { records: records + 1, reason: 'crash' });
  let said = '';
  for (const [i, { withheld, content }] of survived.slice(1, -1).entries()) {
    said += `statement ${i}\n`;
    assert.equal(withheld, null);
    assert.equal(Buffer.from(content ?? []).toString(), said);
  }
  await closeRecorder(opened);
});

test('C28: a torn tail is cut off, damage before it is refused and left as it is', async (t) => {
  const data = temporaryDirectory(t);
  const script = join(import.meta.dirname, 'testdata', 'record-and-die.ts');
  spawnSync(process.execPath, [script, data]);
  const segment = join(data, 'journal', '000000000001.segment');
  const bytes = readFileSync(segment);
  let end = bytes.length;
  while (bytes[end - 1] === 0) {
    end -= 1;
  }
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(400) ^ 1, 400);
  writeFileSync(segment, damaged);
  await assert.rejects(recoverJournal(data), (error) => error instanceof GatewayError && error.code === 'store_damaged');
  assert.deepEqual(readFileSync(segment), damaged);
  const torn = Buffer.from(bytes);
  torn.writeUInt8(torn.readUInt8(end - 40) ^ 1, end - 40);
  writeFileSync(segment, torn);
  const recovered = await recoverJournal(data);
  assert.ok((recovered.end.previous?.tornBytes ?? 0) > 0);
});

test('a journal shorter than a checkpoint that was given out is refused', async (t) => {
  const data = temporaryDirectory(t);
  const opened = await open(data);
  await opened.recorder.publish();
  await closeRecorder(opened);
  truncateSync(join(data, 'journal', '000000000001.segment'), 128);
  await assert.rejects(recoverJournal(data), /a checkpoint over \d+ was given out/);
});

test('a segment that a crash left without header is dropped', async (t) => {
  const data = temporaryDirectory(t);
  await closeRecorder(await open(data));
  appendFileSync(join(data, 'journal', '000000000002.segment'), Buffer.alloc(1000));
  const opened = await open(data);
  assert.equal(opened.recorder.epoch, 2);
  await closeRecorder(opened);
});

test('C28: a failing write lets nothing go: no release, no further record, and the owner is told', async (t) => {
  const data = temporaryDirectory(t);
  const opened = await open(data);
  const track = opened.recorder.openSession();
  await committed(opened.recorder);
  closeJournalBehindItsBack(data);
  opened.recorder.append(track, { ...request, content: [Buffer.from('lost')] });
  let released = false;
  opened.recorder.whenCommitted('process', () => {
    released = true;
  });
  await waitUntil(() => opened.fatal.length > 0);
  assert.equal(released, false);
  assert.equal(opened.fatal.length, 1);
  assert.throws(
    () => opened.recorder.append(track, { ...request, content: [] }),
    (error) => error instanceof GatewayError && error.code === 'cannot_record',
  );
});

/** Makes the open descriptor of the segment fail: it is replaced by one that cannot be written. */
function closeJournalBehindItsBack(data: string): void {
  const name = readdirSync('/proc/self/fd').find((fd) => {
    try {
      return statSync(`/proc/self/fd/${fd}`).ino === statSync(join(data, 'journal', '000000000001.segment')).ino;
    } catch {
      return false;
    }
  });
  // A closed descriptor answers EBADF to every write: a failure that needs no special file system.
  closeSync(Number(name));
}

test('every epoch announces the class keys that it uses, also those that a crash kept from the log', async (t) => {
  await passMidnight();
  const data = temporaryDirectory(t);
  const day = Math.floor(Date.now() / 86_400_000);
  {
    // A process that made keys and recorded nothing.
    const { secret, unkept } = await openRoot(data, { isNew: true });
    using keys = KeyStore.open(join(data, 'keys.db'), secret);
    if (unkept !== null) {
      keys.keepRoot(unkept);
    }
    keys.take({ class: standardClass, day: day + 400 }, { class: standardClass, day: day + 90 }, day);
  }
  for (let epoch = 1; epoch <= 2; epoch++) {
    const opened = await open(data);
    const own = await readBack(data, opened.keys, opened.recorder.own.id);
    const announced = own.filter((record) => record.kind === 'key').map((record) => record.governance?.['day']);
    assert.deepEqual(announced, [day + 400, day + 90]);
    await closeRecorder(opened);
  }
});
