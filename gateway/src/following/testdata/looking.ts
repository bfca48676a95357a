import { createSecretKey } from 'node:crypto';
import { ClassSets } from '../../classes/class-sets.ts';
import { Prints } from '../prints.ts';
import type { LookParts } from '../text-look.ts';

/** The parts with which channels look for values, of a gateway without classes of its own. */
export const looking: LookParts = {
  prints: new Prints(createSecretKey(Buffer.alloc(32, 7))),
  nestedClasses: (names) => new ClassSets([]).nested(names),
  classesOf: () => [],
};
