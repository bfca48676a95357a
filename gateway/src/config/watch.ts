import { statSync } from 'node:fs';

const pollMs = 300;
/** A file that is the same in this many looks, which take about a second, is no longer being written. */
const stableLooks = 4;

/**
 * Calls back after the file was changed or replaced, until disposed. Polls, so that it also sees what a link (a mounted secret or
 * config map) leads to; and waits until the file has been the same for a while, so that what is there for a moment while it is being written is not taken for it.
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

/** A text that changes when the file changes; null while there is no file. */
function look(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}
