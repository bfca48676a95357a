import { statSync } from 'node:fs';

const pollMs = 300;
/** A file that is unchanged in this many looks, which take about a second, is no longer being written. */
const stableLooks = 4;

/**
 * Calls back after one of the files was changed or replaced, or another one came, until disposed. It polls, so it also notices changes behind a link (a mounted
 * secret or config map). It waits until all were unchanged for a while, so that a half-written file is not read. While the first file is not there, nothing
 * counts as changed.
 */
export function watchConfig(files: () => readonly string[], changed: () => void): Disposable {
  let told = look(files());
  let last = told;
  let looks = 0;
  const timer = setInterval(() => {
    const now = look(files());
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

/** Returns a text that changes when one of the files changes, or another one comes; null while the first is not there. */
function look([first = '', ...others]: readonly string[]): string | null {
  const found = lookAt(first);
  return found === null ? null : [found, ...others.map((file) => `${file} ${lookAt(file) ?? ''}`)].join('\n');
}

function lookAt(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}
