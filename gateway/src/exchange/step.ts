import type { Step, StepInput } from '../domain/step.ts';

/** Input up to this length is read at once: at worst that takes some tens of milliseconds. */
export const shortBytes = 128 * 1024;

/** Takes a step, either at once in the calling thread or in the thread for steps. */
export type TakeStep = <Input extends StepInput, Output>(step: Step<Input, Output>, input: Input) => Output | Promise<Output>;
