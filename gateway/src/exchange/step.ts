/** A pure function of a body and plain data that its module exports as `step`, so that a thread of its own can take it. */
export interface Step<Input extends StepInput, Output> {
  /** URL of the module. */
  readonly module: string;
  /** Errors are GatewayErrors. */
  readonly take: (input: Input) => Output;
}

export interface StepInput {
  readonly body: Uint8Array;
}

/** Input up to this length is read at once: at worst that takes some tens of milliseconds. */
export const shortBytes = 128 * 1024;

/** Takes a step, here or in the thread. */
export type TakeStep = <Input extends StepInput, Output>(step: Step<Input, Output>, input: Input) => Output | Promise<Output>;
