/** Data classes: what the command line sees of them. */
export { builtInClasses } from './classes/catalogue.ts';
export { TextScan } from './classes/text-scan.ts';
