import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const bunVersion = '1.4.5';

/** The other runtime that is measured. Only benchmarks need it, so it is installed beside the project's own packages, once; null where it cannot be had. */
export function installBun(): string | null {
  const directory = join(tmpdir(), `countersign-bun-${bunVersion}`);
  const architecture = process.arch === 'arm64' ? 'aarch64' : 'x64';
  const program = join(directory, 'node_modules', '@oven', `bun-linux-${architecture}`, 'bin', 'bun');
  if (!existsSync(program)) {
    const wanted = `@oven/bun-linux-${architecture}@${bunVersion}`;
    spawnSync('npm', ['install', '--prefix', directory, '--ignore-scripts', '--no-save', wanted], { stdio: 'ignore' });
  }
  return existsSync(program) ? program : null;
}

/** A wrapper that puts another runtime in the place of the one that the command begins with. */
export function runsOn(runtime: string): readonly string[] {
  return ['sh', '-c', 'shift; exec "$0" "$@"', runtime];
}
