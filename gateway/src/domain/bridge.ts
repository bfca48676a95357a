export interface Bridge {
  /** A description of what the command does, for its help. */
  readonly title: string;
  /** Resolves when the input has ended and what it asked for is answered. */
  run(options: BridgeOptions): Promise<void>;
}

export interface BridgeOptions {
  /** The address of the target at the gateway. */
  readonly url: string;
  readonly token: string;
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when it was taken. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}
