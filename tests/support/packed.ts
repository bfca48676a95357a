import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireMounts } from './mounted-disk.ts';

const root = join(import.meta.dirname, '..', '..');
const stepMs = 450_000;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The tarballs of this checkout, packed into another directory, and what is installed from them there. */
export class Packed implements Disposable {
  readonly home = realpathSync(mkdtempSync(join(tmpdir(), 'countersign-packed-')));
  readonly version: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
  readonly command = join(this.home, 'tarballs', `countersign-${this.version}.tgz`);
  readonly ledger = join(this.home, 'tarballs', `countersign-ledger-${this.version}.tgz`);
  /** A directory with the pinned Node. */
  readonly programs = join(this.home, 'programs');
  readonly #canHide = requireMounts('unshare').skip === undefined;

  constructor() {
    // If root runs the test, the PostgreSQL of the demo runs as nobody and must be able to enter this directory.
    chmodSync(this.home, 0o755);
    this.pack('tarballs');
    mkdirSync(this.programs);
    cpSync(process.execPath, join(this.programs, 'node'));
  }

  /** Packs into a new directory and returns its path. */
  pack(name: string): string {
    const directory = join(this.home, name);
    execFileSync('npm', ['run', '--silent', 'pack', '--', directory], { cwd: root, timeout: stepMs });
    return directory;
  }

  /** Installs with npm into a new directory and returns its path. */
  install(name: string, ...words: readonly string[]): string {
    const directory = join(this.home, name);
    mkdirSync(directory);
    writeFileSync(join(directory, 'package.json'), '{}');
    execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', ...words], { cwd: directory, timeout: stepMs });
    return directory;
  }

  /** Runs a program with the Node of a directory, which strips no types here. Where mounts are allowed, an empty directory hides the checkout. */
  run(program: string, words: readonly string[], node: string = this.programs): Ended {
    const hidden = this.#canHide ? ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs "$0" && exec "$@"', root] : ['env'];
    const env = { PATH: `${node}:/usr/local/bin:/usr/bin:/bin`, TMPDIR: this.home, NODE_OPTIONS: '--no-experimental-strip-types --no-warnings' };
    const [first = '', ...rest] = [...hidden, program, ...words];
    return spawnSync(first, rest, { cwd: this.home, env, encoding: 'utf8', timeout: stepMs });
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true });
  }
}
