import type { ClassSet } from './class-set.ts';
import { findIn } from './text-scan.ts';

/** Returns the name of the place of a value, for a record. A member may be named by a value itself: then the parts that hold one are `*`. */
export function namedPlace(place: string, classes: ClassSet): string {
  return findIn(place, classes).length === 0
    ? place
    : place
        .split('/')
        .map((part) => (findIn(part, classes).length === 0 ? part : '*'))
        .join('/');
}
