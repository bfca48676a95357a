import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test("the demo shows an agent's session, verifies the record and exposes a forged copy", () => {
  const root = join(import.meta.dirname, '..');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['cli/src/main.ts', 'demo', '--once'], { cwd: root, encoding: 'utf8', timeout: 90_000 });
  assert.equal(status, 0, stdout + stderr);
  for (const expected of [
    'Her difference engine is on its way: The parcel left Dover this morning and arrives on Tuesday.',
    'llm.chat model',
    'tool call run_sql',
    'postgres.query shop likely_call=call_orders',
    'mcp.call_tool tools tools=track_parcel likely_call=call_parcel',
    'http.request mail likely_call=call_mail',
    'Ada Byron',
    'HOLDS',
    'DOES NOT HOLD',
    'the record cannot be edited unnoticed',
  ]) {
    assert.ok(stdout.includes(expected), `${expected} is not in:\n${stdout}`);
  }
  const [, run = '', again = ''] = stdout.split('  asked: ').map((text) => text.split('\n\n')[0]);
  assert.ok(run.includes('I have written to her'));
  assert.equal(again, run, 'the agent does the same when the record answers it');
});
