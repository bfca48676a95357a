import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openRecorder } from './testdata/open-recorder.ts';

const segmentBytes = 1024 * 1024;
const first = join('journal', '000000000001.segment');
const current = join('journal', '000000000002.segment');

/** By who is told of it in the end. */
const removals: Readonly<Record<string, { readonly act: (data: string) => void; readonly says: RegExp }>> = {
  'the journal is removed': { act: (data) => rmSync(join(data, 'journal'), { recursive: true }), says: /journal is gone/ },
  'the segment that is written is removed': { act: (data) => rmSync(join(data, current)), says: /2\.segment is gone/ },
  'a segment that was written is removed': { act: (data) => rmSync(join(data, first)), says: /had 2 segments and now has 1/ },
  'the segment that is written is another file of the same bytes': {
    act: (data) => {
      cpSync(join(data, current), join(data, 'copy'));
      renameSync(join(data, 'copy'), join(data, current));
    },
    says: /2\.segment was replaced/,
  },
  'the segment that is written is cut short': { act: (data) => truncateSync(join(data, current), 200), says: /was cut short/ },
  'the keys are put back from a copy': {
    act: (data) => {
      cpSync(join(data, 'keys.db'), join(data, 'copy'));
      renameSync(join(data, 'copy'), join(data, 'keys.db'));
    },
    says: /keys\.db was replaced/,
  },
  'the published log is removed': { act: (data) => rmSync(join(data, 'log'), { recursive: true }), says: /log is gone/ },
  'the directory is replaced': {
    act: (data) => {
      renameSync(data, `${data}.old`);
      mkdirSync(data);
    },
    says: /was replaced/,
  },
  'the directory is another by a link': {
    act: (data) => {
      renameSync(data, `${data}.old`);
      cpSync(`${data}.old`, `${data}.new`, { recursive: true });
      symlinkSync(`${data}.new`, data);
    },
    says: /was replaced/,
  },
};

describe('a store under a running gateway', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'countersign-own-files-'));
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
  });

  for (const [what, { act, says }] of Object.entries(removals)) {
    test(`T4.14, E43: ${what}: nothing is recorded any more`, async () => {
      const data = mkdtempSync(join(root, 'data-'));
      const fatal = Promise.withResolvers<Error>();
      const { recorder, keys } = await openRecorder(data, { segmentBytes, onFatal: fatal.resolve });
      const track = recorder.openSession();
      // Into the second segment; of the first one nothing is open then.
      for (let i = 0; i < 3; i++) {
        recorder.append(track, { kind: 'request', meta: '{}', content: [randomBytes(Math.floor(segmentBytes / 3))] });
      }
      await recorder.publish();
      act(data);
      assert.match((await fatal.promise).message, says);
      assert.throws(() => recorder.append(track, { kind: 'request', meta: '{}', content: [] }), { code: 'cannot_record' });
      await recorder[Symbol.asyncDispose]();
      keys[Symbol.dispose]();
    });
  }

  test('T4.14, E43: a gateway that makes new segments itself is not stopped', async () => {
    const data = mkdtempSync(join(root, 'data-'));
    const { recorder, keys } = await openRecorder(data, { segmentBytes });
    const track = recorder.openSession();
    for (let looks = 0; looks < 4; looks++) {
      recorder.append(track, { kind: 'request', meta: '{}', content: [randomBytes(Math.floor(segmentBytes / 2))] });
      await new Promise((resolve) => {
        setTimeout(resolve, 300);
      });
    }
    await recorder.publish();
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
  });
});
