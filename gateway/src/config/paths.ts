import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

/** Returns the absolute path of a file or directory that the configuration names. Calls `wrong` if it is not there now. */
export type FindPath = (written: string, wrong: (message: string) => void) => string;

/**
 * Makes the function that finds what the configuration names. Relative paths start from `base`, the directory of the configuration file. `needed`: what is not there is a
 * fault. An editor of the configuration needs no files that only the gateway reads. `note` is told of each path.
 */
export function pathFinder(base: string, needed: boolean, note: (path: string) => void = () => undefined): FindPath {
  return (written, wrong) => {
    const path = resolve(base, written);
    note(path);
    if (needed && !existsSync(path)) {
      wrong(isAbsolute(written) ? `there is no ${written}` : `there is no ${written} from ${base}: relative paths start from the directory of this file`);
    }
    return path;
  };
}
