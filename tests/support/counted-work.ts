import { createSecretKey } from 'node:crypto';
import { builtInClasses } from '../../gateway/src/surface/classes.ts';
import { ClassSet } from '../../gateway/src/classes/class-set.ts';
import { hostileTexts } from '../../gateway/src/classes/testdata/hostile-texts.ts';
import { maskChange } from '../../gateway/src/controls/masks/mask-change.ts';
import { sliceUnits, type TextChange } from '../../gateway/src/domain/text-change.ts';
import { looking } from '../../gateway/src/following/testdata/looking.ts';
import { textLook } from '../../gateway/src/following/text-look.ts';

const names = builtInClasses.map(({ name }) => name);
const key = createSecretKey(Buffer.alloc(32, 7));

/** Each character is looked at up to three times, for the parts of a long text overlap, and what was held back of the slice before is looked at too. */
export const mostUnits = 5 * sliceUnits;

/** A value of a class, and a long text that is expensive to look at. */
export const hostileText = `ada@example.com,${(hostileTexts['groups of numbers'] ?? '').repeat(60_000)}`;

/** Counts the characters in which values are looked for, in each turn of the event loop. */
export class CountedWork extends ClassSet {
  #units = 0;
  /** The characters in which values were looked for, in all turns. */
  total = 0;
  #most = 0;

  constructor() {
    super(names);
  }

  override look(...[view]: Parameters<ClassSet['look']>): ReturnType<ClassSet['look']> {
    this.#units += view.text.length;
    this.total += view.text.length;
    this.#most = Math.max(this.#most, this.#units);
    return super.look(view);
  }

  /** Returns the most in one turn until all is done. */
  async mostWhile(all: Promise<unknown>): Promise<number> {
    let isDone = false;
    const turn = (): void => {
      this.#units = 0;
      if (!isDone) {
        setImmediate(turn);
      }
    };
    setImmediate(turn);
    await all.finally(() => {
      isDone = true;
    });
    return this.#most;
  }

  /** Makes a mask of all built-in classes. */
  mask(): TextChange {
    const methods = new Map(names.map((name) => [name, 'redact'] as const));
    return maskChange({ methods, classes: names, policies: [] }, 'target', {
      keys: { record: key, hash: key, pseudonym: key },
      classSet: () => this,
      classesOf: () => [],
    });
  }

  /** Makes a look for all built-in classes. */
  looking(): TextChange {
    return textLook(names, 'target', { ...looking, nestedClasses: () => ({ set: this, namesOf: (name) => [name] }) });
  }
}
