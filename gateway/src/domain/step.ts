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

/** Takes steps that would hold up everybody else. */
export interface Steps {
  /** Errors: those of the step; `limit_exceeded` for one that takes too much memory or time; the reason of the signal. */
  take<Input extends StepInput, Output>(step: Step<Input, Output>, input: Input, asker: StepAsker): Promise<Output>;
}

export interface StepAsker {
  /** Names the owner of the step. Waiting owners take turns, however many steps one of them asks for. */
  readonly whose: string;
  /** Nobody wants the answer any more. */
  readonly signal: AbortSignal;
}
