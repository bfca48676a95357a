import { statSync } from 'node:fs';

const pollMs = 300;

/**
 * Calls back after the file was changed or replaced, until disposed. Polls, so that it also sees what a link (a mounted secret or
 * config map) leads to; and waits until the file has been the same for one look, so that it is not read while it is being written.
 */
export function watchConfig(file: string, changed: () => void): Disposable {
  let told = look(file);
  let last = told;
  const timer = setInterval(() => {
    const now = look(file);
    if (now !== null && now !== told && now === last) {
      told = now;
      changed();
    }
    last = now;
  }, pollMs);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}

/** What tells one content from another; null while there is no file. */
function look(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}
