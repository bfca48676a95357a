import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GatewayError } from '../domain/errors.ts';
import { digestOf } from './recovery-snapshot.ts';
import { recoverJournal } from './recovery.ts';
import { openRecorder } from './testdata/open-recorder.ts';

const segmentBytes = 1024 * 1024;

describe('where a start begins to read', () => {
  let root: string;
  let crashed: string;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'countersign-recovery-'));
    crashed = join(root, 'crashed');
    await recordAndCrash(join(root, 'running'), crashed);
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
  });

  function copy(change: (data: string) => void): string {
    const data = mkdtempSync(join(root, 'copy-'));
    cpSync(crashed, data, { recursive: true });
    change(data);
    return data;
  }

  const withoutSnapshot = (): string =>
    copy((data) => {
      rmSync(join(data, 'recovery'));
    });

  test('from the snapshot of the last sealed segment it comes to the same as from the beginning', async () => {
    assert.ok(readdirSync(join(crashed, 'journal')).length > 3);
    const whole = await recoverJournal(withoutSnapshot());
    assert.ok(whole.end.open.length > 3 && whole.end.open.some((session) => session.unanswered !== null));
    assert.deepEqual(await recoverJournal(copy(() => undefined)), whole);
  });

  test('records before the snapshot are not read', async () => {
    const damage = (data: string): void => {
      const file = join(data, 'journal', '000000000001.segment');
      const bytes = readFileSync(file);
      bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
      writeFileSync(file, bytes);
    };
    await recoverJournal(copy(damage));
    const damaged = copy(damage);
    rmSync(join(damaged, 'recovery'));
    await assert.rejects(recoverJournal(damaged), (error) => error instanceof GatewayError && error.code === 'store_damaged');
  });

  test('a second start continues from the first', async () => {
    const data = copy(() => undefined);
    const { end: first } = await recoverJournal(data);
    const { recorder } = await openRecorder(data, { segmentBytes });
    await recorder.publish();
    const snapshot = JSON.parse(readFileSync(join(data, 'recovery'), 'utf8').split('\n')[1] ?? '');
    assert.equal(snapshot.size, first.size);
    await recorder[Symbol.asyncDispose]();
    rmSync(join(data, 'journal', '000000000001.segment'));
    writeFileSync(join(data, 'journal', '000000000001.segment'), '');
    assert.equal((await recoverJournal(data)).end.previous?.clean, true);
  });

  const forgeries: Readonly<Record<string, (text: string) => string>> = {
    'cut short': (text) => text.slice(0, text.length / 2),
    'of another length of log': (text) => forge(text, (snapshot) => ({ ...snapshot, size: snapshot.size + 1 })),
    'of another tree': (text) => forge(text, (snapshot) => ({ ...snapshot, subtrees: snapshot.subtrees.map(flipHex) })),
    'of another chain': (text) => forge(text, (snapshot) => ({ ...snapshot, segment: { ...snapshot.segment, chain: flipHex(snapshot.segment.chain) } })),
    'of a segment that is not there': (text) => forge(text, (snapshot) => ({ ...snapshot, segment: { ...snapshot.segment, segment: 99 } })),
    'that is none': () => `${digestOf('{}')}\n{}\n`,
    'whose digest is not its own': (text) => text.replace('"epoch":1', '"epoch":2'),
  };
  for (const [name, change] of Object.entries(forgeries)) {
    test(`C29: a snapshot ${name} changes nothing`, async () => {
      const whole = await recoverJournal(withoutSnapshot());
      const forged = copy((data) => {
        const file = join(data, 'recovery');
        const text = readFileSync(file, 'utf8');
        assert.notEqual(change(text), text);
        writeFileSync(file, change(text));
      });
      assert.deepEqual(await recoverJournal(forged), whole);
    });
  }
});

interface Snapshot {
  readonly size: number;
  readonly subtrees: readonly string[];
  readonly segment: { readonly chain: string };
}

function forge(text: string, change: (snapshot: Snapshot) => object): string {
  const forged = JSON.stringify(change(JSON.parse(text.split('\n')[1] ?? '')));
  return `${digestOf(forged)}\n${forged}\n`;
}

function flipHex(hex: string): string {
  return (hex.startsWith('0') ? '1' : '0') + hex.slice(1);
}

/** Several segments of several sessions, some of them open with requests unanswered; `crashed` is what a crash would leave. */
async function recordAndCrash(data: string, crashed: string): Promise<void> {
  mkdirSync(data);
  const { recorder } = await openRecorder(data, { segmentBytes });
  const tracks = Array.from({ length: 6 }, () => recorder.openSession());
  for (let i = 0; i < 4000; i++) {
    const track = tracks[randomInt(tracks.length)];
    if (track !== undefined) {
      recorder.append(track, {
        kind: i % 3 === 0 ? 'request' : 'response',
        meta: '{"channel":1}',
        content: [randomBytes(randomInt(2000))],
        continues: i % 5 === 1,
      });
    }
    if (i === 3000) {
      recorder.closeSession(tracks.splice(0, 1)[0] ?? recorder.own, 'client');
      await recorder.publish();
    }
  }
  const last = tracks[0];
  if (last !== undefined) {
    recorder.append(last, { kind: 'request', meta: '{"channel":1}', content: [randomBytes(100)] });
  }
  await recorder.publish();
  assert.ok(existsSync(join(data, 'recovery')));
  cpSync(data, crashed, { recursive: true });
  await recorder[Symbol.asyncDispose]();
}
