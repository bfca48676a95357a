export interface Bridge {
  /** A description of what the command does, for its help. */
  readonly title: string;
  /** Runs the bridge. Resolves when the input has ended and all requests in it were answered. */
  run(options: BridgeOptions): Promise<void>;
}

export interface BridgeOptions {
  /** The address of the target at the gateway. */
  readonly url: string;
  /** Resolves with the token to show now. One that is about to end may be another one than before. */
  readonly token: () => Promise<string>;
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes were taken. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}
