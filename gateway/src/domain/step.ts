/** A function of plain data, and of a body if there is one. Its module exports it as `step`, so that another thread can run it. */
export interface AwaitedStep<Input extends object, Output> {
  /** URL of the module that exports the step. */
  readonly module: string;
  /** Runs the function. It throws, or rejects with, only GatewayErrors, unless there is a bug. */
  readonly take: (input: Input) => Output | Promise<Output>;
}

/** A step that can be run at once, too. */
export interface Step<Input extends object, Output> extends AwaitedStep<Input, Output> {
  readonly take: (input: Input) => Output;
}

export interface StepInput {
  readonly body: Uint8Array;
}

/** Runs steps that would delay all clients in a thread of their own. */
export interface Steps {
  /**
   * Runs a step. Rejects with the step's own errors, with GatewayError `limit_exceeded` if the step takes too much memory or time, and with the reason of the
   * signal.
   */
  take<Input extends object, Output>(step: AwaitedStep<Input, Output>, input: Input, asker: StepAsker): Promise<Output>;
}

export interface StepAsker {
  /** Names the owner of the step. Waiting owners take turns, however many steps one of them asks for. */
  readonly whose: string;
  /** Aborts when nobody needs the result any more. */
  readonly signal: AbortSignal;
}
