import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { watchConfig } from './watch.ts';

test('T4.31: what a file holds for half a second is not taken up; what it holds afterwards is', ({ mock }) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-watch-'));
  const file = join(directory, 'countersign.yaml');
  writeFileSync(file, 'whole');
  mock.timers.enable({ apis: ['setInterval'] });
  const seen: string[] = [];
  const watch = watchConfig(
    () => [file],
    () => seen.push(readFileSync(file, 'utf8')),
  );
  for (const moment of ['', 'half of i']) {
    writeFileSync(file, moment);
    mock.timers.tick(600);
  }
  writeFileSync(file, 'whole again');
  mock.timers.tick(600);
  assert.deepEqual(seen, []);
  mock.timers.tick(1200);
  mock.timers.tick(3000);
  assert.deepEqual(seen, ['whole again']);
  watch[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});
