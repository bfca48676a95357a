import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitUntil } from '../support/wait-until.ts';

const root = join(import.meta.dirname, '..', '..');
const demoMs = 90_000;
/** Two screens. */
const linesMax = 80;

function demo(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, ['cli/src/main.ts', 'demo', ...words], { cwd: root, encoding: 'utf8', timeout: demoMs });
}

test("the demo shows an agent's session, verifies the record and exposes a forged copy", () => {
  const { status, stdout, stderr } = demo('--once', '--verbose');
  assert.equal(status, 0, stdout + stderr);
  for (const expected of [
    'Her difference engine is on its way: The parcel left Dover this morning and arrives on Tuesday.',
    'llm.chat model',
    'tool call run_sql',
    'postgres.query shop',
    'mcp.call_tool tools',
    'http.request mail',
    'call_orders',
    'Ada Byron',
    'HOLDS',
    'DOES NOT HOLD',
    'Something may count as missing because of the damage above',
    'the record cannot be edited unnoticed',
    'A gateway of your own: ./countersign init',
  ]) {
    assert.ok(stdout.includes(expected), `${expected} is not in:\n${stdout}`);
  }
  assert.ok(!stdout.includes('Without --key'), stdout);
  const [, run = '', again = ''] = stdout.split('  asked: ').map((text) => text.split('\n\n')[0]);
  assert.ok(run.includes('I have written to her'));
  assert.equal(again, run, 'the agent does the same when the record answers it');
});

test('T4.35: the demo ends by itself, on two screens, and says where things are and what to type next', () => {
  const { status, stdout, stderr } = demo();
  const [, directory = ''] = /the data are in (\S+), until you delete it/.exec(stdout) ?? [];
  try {
    assert.equal(status, 0, stdout + stderr);
    assert.ok(stdout.split('\n').length <= linesMax, stdout);
    for (const expected of ['postgres.query SELECT id, name', '2 rows: ', 'It said the same', 'HOLDS', 'DOES NOT HOLD', '--keep']) {
      assert.ok(stdout.includes(expected), `${expected} is not in:\n${stdout}`);
    }
    const typed = [...stdout.matchAll(/^ {2}\.\/countersign (.+)$/gm)].map(([, words = '']) => words.split(' '));
    const codes = typed.map((words) => spawnSync(process.execPath, ['cli/src/main.ts', ...words], { cwd: root, stdio: 'ignore' }).status);
    assert.deepEqual(codes, [0, 1], 'the list of sessions, and the forged copy');
    const listed = spawnSync(process.execPath, ['cli/src/main.ts', 'session', 'list', '--config', join(directory, 'countersign.yaml')], {
      cwd: root,
      encoding: 'utf8',
    });
    assert.equal(listed.stderr, `No gateway runs on ${directory}/store: its files are read, and no session in them is being served.\n`);
    assert.match(listed.stdout, /support-bot/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('T4.35: kept, the demo serves until Ctrl-C, and nothing is deleted unannounced', async () => {
  using child = spawn(process.execPath, ['cli/src/main.ts', 'demo', '--keep'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  await waitUntil(() => said.includes('What to type next') && said.includes('session list --config'), demoMs);
  const [, config = ''] = /session list --config (\S+)/.exec(said) ?? [];
  const { status, stdout } = spawnSync(process.execPath, ['cli/src/main.ts', 'session', 'list', '--config', config], { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /support-bot/);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  assert.equal(await ended, 0);
  const [, directory = ''] = /the data are in (\S+), until you delete it/.exec(said) ?? [];
  assert.ok(existsSync(join(directory, 'store', 'journal')));
  rmSync(directory, { recursive: true });
});

test('T4.35: a demo that is interrupted on the way leaves nothing running, and says where its data are', async () => {
  for (const [signal, code, reached] of [
    ['SIGINT', 130, 'session show'],
    ['SIGTERM', 143, '1. A PostgreSQL'],
  ] as const) {
    using child = spawn(process.execPath, ['cli/src/main.ts', 'demo'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    // Not before all that it started has let go of its output.
    const closed = once(child, 'close');
    await waitUntil(() => said.includes(reached), demoMs);
    child.kill(signal);
    assert.deepEqual(await closed, [code, null], said);
    const [, directory = ''] = /Interrupted\. Nothing runs any more; what there is of the data is in (\S+), until you delete it\./.exec(said) ?? [];
    assert.match(directory, /countersign-demo-/, said);
    rmSync(directory, { recursive: true });
  }
});
