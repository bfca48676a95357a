import type { Step, StepInput } from '../domain/step.ts';

/** Most bytes of an input that is read at once. In the worst case that takes some tens of milliseconds. */
export const shortBytes = 128 * 1024;

/** The most bytes of an answer that are read in one turn of the event loop. */
export const turnBytesMax = 1024 * 1024;

/** Runs a step in the thread for steps. */
export type TakeElsewhere = <Input extends StepInput, Output>(step: Step<Input, Output>, input: Input) => Promise<Output>;

/** Runs a step, either at once in the calling thread or in the thread for steps. */
export type TakeStep = <Input extends StepInput, Output>(step: Step<Input, Output>, input: Input) => Output | Promise<Output>;
