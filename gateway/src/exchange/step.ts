import type { Step, StepInput } from '../domain/step.ts';

/** Input up to this length is read at once: at worst that takes some tens of milliseconds. */
export const shortBytes = 128 * 1024;

/** The most bytes of an answer that are read in one turn of the event loop. */
export const turnBytesMax = 1024 * 1024;

/** Takes a step in the thread for steps. */
export type TakeElsewhere = <Input extends StepInput, Output>(step: Step<Input, Output>, input: Input) => Promise<Output>;

/** Takes a step, either at once in the calling thread or in the thread for steps. */
export type TakeStep = <Input extends StepInput, Output>(step: Step<Input, Output>, input: Input) => Output | Promise<Output>;
