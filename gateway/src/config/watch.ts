import { statSync, unwatchFile, watchFile } from 'node:fs';

const pollMs = 1000;

/** Calls back after the file has changed (or was replaced), until disposed. */
export function watchConfig(file: string, changed: () => void): Disposable {
  const listener = (now: { mtimeMs: number; ino: number }, before: { mtimeMs: number; ino: number }): void => {
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) {
      changed();
    }
  };
  statSync(file);
  watchFile(file, { interval: pollMs, persistent: false }, listener);
  return {
    [Symbol.dispose]: () => {
      unwatchFile(file, listener);
    },
  };
}
