import { statSync } from 'node:fs';

const pollMs = 300;
/** A file that is unchanged in this many looks, which take about a second, is no longer being written. */
const stableLooks = 4;

/**
 * Calls back after the file was changed or replaced, until disposed. It polls, so it also notices changes behind a link (a mounted secret or config map). It
 * waits until the file was unchanged for a while, so that a half-written file is not read.
 */
export function watchConfig(file: string, changed: () => void): Disposable {
  let told = look(file);
  let last = told;
  let looks = 0;
  const timer = setInterval(() => {
    const now = look(file);
    looks = now === last ? looks + 1 : 1;
    if (now !== null && now !== told && looks >= stableLooks) {
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

/** Returns a text that changes when the file changes; null while there is no file. */
function look(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}
