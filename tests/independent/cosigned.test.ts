import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseVerifierKey } from '@countersign/ledger';
import { formatAddCheckpoint } from '../../gateway/src/witnesses/add-checkpoint.ts';
import { Witness } from '../../gateway/src/witnesses/witness.ts';
import { signerOf, signText } from '../../ledger/src/testdata/store-writer.ts';
import { buildGo, requireGo } from './go.ts';

void test("Go's note package agrees on a cosigned checkpoint", requireGo('cosigned'), async (t) => {
  const program = buildGo(t, 'cosigned');
  const data = mkdtempSync(join(tmpdir(), 'countersign-cosigned-'));
  t.after(() => {
    rmSync(data, { recursive: true, force: true });
  });
  const log = signerOf('log.example', 3);
  const note = signText(`log.example\n7\n${Buffer.alloc(32, 5).toString('base64')}\njournal 1 400 ${Buffer.alloc(32, 6).toString('base64')}\n`, log);
  await using witness = await Witness.open({ data, name: 'witness.example/w1', logs: [parseVerifierKey(log.vkey)], now: Date.now });
  const { status, body } = await witness.addCheckpoint(Buffer.from(formatAddCheckpoint({ oldSize: 0, proof: [], note })));
  assert.equal(status, 200);
  const open = (cosigned: string): readonly [status: number | null, stdout: string] => {
    const ended = spawnSync(program, [log.vkey, witness.vkey], { input: cosigned, encoding: 'utf8' });
    return [ended.status, ended.stdout];
  };
  assert.deepEqual(open(note + body), [0, 'log.example\nwitness.example/w1\n']);
  // The time is part of what is signed.
  const [, name = '', encoded = ''] = body.split(' ');
  const later = Buffer.from(encoded, 'base64');
  later[11] = (later[11] ?? 0) ^ 1;
  assert.equal(open(`${note}\u2014 ${name} ${later.toString('base64')}\n`)[0], 1);
});
