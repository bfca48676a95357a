import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { waitUntil } from './support/wait-until.ts';

const root = join(import.meta.dirname, '..');
const usual = ['sh', 'id', 'dirname', 'env'];

describe('on a machine that has only Node', () => {
  let programs: string;
  const run = (program: string, ...words: readonly string[]): { readonly status: number | null; readonly text: string } => {
    const environment = { ...process.env, PATH: programs, CI: undefined, NODE_TEST_CONTEXT: undefined };
    const { status, stdout, stderr } = spawnSync(program, words, { cwd: root, env: environment, encoding: 'utf8' });
    return { status, text: stdout + stderr };
  };
  const put = (name: string, lines: string): void => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${lines}\n`);
    chmodSync(join(programs, name), 0o755);
  };
  before(() => {
    programs = mkdtempSync(join(tmpdir(), 'countersign-programs-'));
    for (const name of usual) {
      symlinkSync(spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(), join(programs, name));
    }
  });
  after(() => {
    rmSync(programs, { recursive: true });
  });

  test('T4.44: a program that cannot be installed is named, which is not a failure', () => {
    const { status, text } = run('sh', 'tools/debian.sh');
    assert.equal(status, 0, text);
    assert.match(text, /^NOT INSTALLED: postgresql-15 .*python3-psycopg.*: what drives them is skipped\.$/m);
  });

  test('T4.44: an installation that fails is named, which is not a failure', () => {
    put('id', 'echo 0');
    put('mkdir', '');
    put('dpkg-query', 'exit 1');
    put('apt-get', 'exit 100');
    const { status, text } = run('sh', 'tools/debian.sh');
    assert.equal(status, 0, text);
    assert.match(text, /^NOT INSTALLED: postgresql-15 /m);
  });

  test('T4.44: tests whose programs are missing are skipped and say which', () => {
    put('python3', 'exit 1');
    const files = ['tests/interop/psql.test.ts', 'tests/interop/exact-bytes.test.ts', 'tests/long/dump.test.ts'];
    const { status, text } = run(process.execPath, '--no-warnings', 'tools/test.ts', ...files, 'gateway/src/policy/grants.test.ts');
    assert.equal(status, 0, text);
    assert.match(text, /# SKIP psql not installed: sh tools\/debian\.sh/);
    assert.match(text, /^\d+ passed, 0 failed, \d+ skipped$/m);
  });
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`a test run that is ended by ${signal} leaves nothing in the directory for temporary files`, async (t) => {
    const own = mkdtempSync(join(tmpdir(), 'countersign-run-'));
    t.after(() => {
      rmSync(own, { recursive: true });
    });
    const [file, running] = [join(own, 'waiting.test.mjs'), join(own, 'pid')];
    // Until it is ended it has something to wait for.
    writeFileSync(
      file,
      `import { writeFileSync } from 'node:fs'; setInterval(() => undefined, 1000); writeFileSync(${JSON.stringify(running)}, String(process.pid));`,
    );
    using run = spawn(process.execPath, ['--no-warnings', 'tools/test.ts', relative(root, file)], {
      cwd: root,
      env: { ...process.env, TMPDIR: own, NODE_TEST_CONTEXT: undefined },
      stdio: 'ignore',
    });
    await waitUntil(() => existsSync(running) && readFileSync(running, 'utf8') !== '');
    run.kill(signal);
    await once(run, 'close');
    process.kill(Number(readFileSync(running, 'utf8')));
    assert.deepEqual(readdirSync(own).toSorted(), ['pid', 'waiting.test.mjs']);
  });
}
