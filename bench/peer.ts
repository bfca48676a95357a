import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import { basename, join } from 'node:path';
import { freePort } from '../cli/src/demo/free-port.ts';
import { waitUntil } from '../tests/support/wait-until.ts';

/** A process that serves on a port and can be stopped. */
export interface Peer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

/** Resolves when the process accepts connections on the port. */
export async function serving(child: ChildProcess, port: number, cleanUp: () => void = () => undefined): Promise<Peer> {
  await waitUntil(() => {
    if (child.exitCode !== null) {
      throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    }
    return accepts(port);
  });
  return {
    port,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) {
        const exited = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await exited;
      }
      cleanUp();
    },
  };
}

/** A script of this folder that serves on the port that is its first word. */
export async function startScript(name: string, words: readonly string[] = []): Promise<Peer> {
  const port = await freePort();
  return serving(spawn(process.execPath, [join(import.meta.dirname, name), String(port), ...words], { stdio: ['ignore', 'inherit', 'inherit'] }), port);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

/** Returns the path of a program of Debian. Throws if its package is missing, before anything waits for it. */
export function debianProgram(path: string): string {
  if (!existsSync(path)) {
    throw new Error(`This needs ${path}: sh tools/debian.sh ${basename(path)}`);
  }
  return path;
}
