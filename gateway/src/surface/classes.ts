/** Data classes: what the command line sees of them. */
export { builtInClasses } from '../classes/catalogue.ts';
export { placedClasses } from '../classes/built-in-names.ts';
export type { ClassSet } from '../classes/class-set.ts';
export { ClassSets } from '../classes/class-sets.ts';
export { TextScan } from '../classes/text-scan.ts';
export type { DataClass } from '../domain/data-class.ts';
