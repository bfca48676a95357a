import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { notAllowedHere } from '../support/require-program.ts';

const compiler = 'go';

/** Returns the options of a test that needs Go, and the module of a program in this folder. */
export function requireGo(program: string): { readonly skip?: string } {
  const { status } = spawnSync(compiler, ['mod', 'download'], { cwd: join(import.meta.dirname, program) });
  return status === 0 ? {} : notAllowedHere('Go and its module golang.org/x/mod are not here');
}

/** Builds a program of this folder, and returns its path. */
export function buildGo(t: TestContext, program: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-go-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const built = join(directory, program);
  const { status, stderr } = spawnSync(compiler, ['build', '-o', built, '.'], { cwd: join(import.meta.dirname, program), encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return built;
}
