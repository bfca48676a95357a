/** A socket whose bytes are first read one piece at a time (login), then handed over as they come (relay). */
export interface ByteStream {
  /** The next bytes, or null at the end. `limitMs` from now; a GatewayError `deadline_exceeded` past it. */
  read(limitMs: number): Promise<Buffer | null>;
  /** Gives bytes back to be read next. */
  unread(bytes: Buffer): void;
  /** From now on all bytes, the unread ones first, go to the receiver. Called once, after the last `read`. */
  flow(receiver: Receiver): void;
  pause(): void;
  resume(): void;
  /** Bytes accepted for sending that the kernel is too slow to take: 0 while it keeps up, else `onDrain` follows. */
  readonly queuedBytes: number;
  /** Bytes that are sent between `cork` and `uncork` leave together. */
  cork(): void;
  uncork(): void;
  /** Sends what is queued, then closes. Nothing more is read; a peer that does not take it in a few seconds is cut off. */
  end(): void;
  /** Closes at once; what is queued is lost. */
  destroy(): void;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;
}

export interface Receiver {
  onBytes(bytes: Buffer): void;
  /** The peer closed its half, or the connection broke (`error`). Called once. */
  onEnd(error: Error | null): void;
  /** The kernel has taken all queued bytes. */
  onDrain(): void;
}
