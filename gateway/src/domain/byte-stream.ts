/** A socket whose bytes are first read one piece at a time (login), then handed over as they come (relay). */
export interface ByteStream {
  /** Resolves with the next bytes, or with null at the end. Rejects with GatewayError `deadline_exceeded` after `limitMs`. */
  read(limitMs: number): Promise<Buffer | null>;
  /** Gives bytes back to be read next. */
  unread(bytes: Buffer): void;
  /** From now on the receiver gets all bytes, first those that were given back. Called once, after the last `read`. */
  flow(receiver: Receiver): void;
  pause(): void;
  resume(): void;
  /** Number of bytes to send that the kernel has not taken. If it is above 0, `onDrain` follows. */
  readonly queuedBytes: number;
  /** Bytes that are written between `cork` and `uncork` are sent together. */
  cork(): void;
  uncork(): void;
  /** Sends what is queued, then closes. Nothing more is read. A peer that does not take the bytes within a few seconds is cut off. */
  end(): void;
  /** Closes at once. Bytes that are queued are lost. */
  destroy(): void;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;
}

export interface Receiver {
  onBytes(bytes: Buffer): void;
  /** Called once, when the peer has closed its half, or when the connection broke (`error`). */
  onEnd(error: Error | null): void;
  /** Called when the kernel has taken all queued bytes. */
  onDrain(): void;
}
