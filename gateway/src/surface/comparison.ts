/** The comparison of two recordings, for the command line, which has them from bundles too. */
export { align } from '../comparison/align.ts';
export { compareSteps, type ComparedSide, type ComparedStep } from '../comparison/compare.ts';
export { readSteps } from '../comparison/steps.ts';
export { unkeptText } from '../comparison/unkept-text.ts';
