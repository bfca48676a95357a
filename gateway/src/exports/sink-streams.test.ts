import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SealedFile } from '../store/sealed-file.ts';
import { RecordTail } from './record-tail.ts';
import { SinkStreams } from './sink-streams.ts';

test('C28: a sink begins when it is on the disk where it begins, so that a kill loses nothing that comes after', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-sinks-'));
  try {
    const file = new SealedFile(join(directory, 'sinks'), createSecretKey(randomBytes(32)));
    const began = Promise.withResolvers<unknown>();
    await using streams = new SinkStreams({
      file,
      tail: new RecordTail(() => Promise.resolve([])),
      factsOf: (shown) => shown,
      written: 7,
      tell: ({ what }) => {
        began.resolve([what, file.read()]);
      },
      onStates: () => undefined,
      onTrouble: began.reject,
    });
    streams.enforce([{ name: 'siem', text: false, query: null, caFile: null, kind: 'ocsf', file: join(directory, 'events') }]);
    assert.deepEqual(await began.promise, ['began', [['siem', 7]]]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
