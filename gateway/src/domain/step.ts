/** A pure function of a body and plain data that its module exports as `step`, so that a thread of its own can take it. */
export interface Step<Input extends StepInput, Output> {
  /** URL of the module that exports the step. */
  readonly module: string;
  /** Throws only GatewayErrors, unless there is a bug. */
  readonly take: (input: Input) => Output;
}

export interface StepInput {
  readonly body: Uint8Array;
}

/** Takes steps that would delay everybody else. */
export interface Steps {
  /** Rejects with the step's own errors, with GatewayError `limit_exceeded` if the step takes too much memory or time, and with the reason of the signal. */
  take<Input extends StepInput, Output>(step: Step<Input, Output>, input: Input, asker: StepAsker): Promise<Output>;
}

export interface StepAsker {
  /** Names the owner of the step. Waiting owners take turns, however many steps one of them asks for. */
  readonly whose: string;
  /** Aborts when nobody wants the answer any more. */
  readonly signal: AbortSignal;
}
