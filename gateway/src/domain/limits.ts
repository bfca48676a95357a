/** Limits on what a peer can make the gateway hold or wait for. Each has a default that the configuration can change. */
export interface Limits {
  /** Most bytes of a single message of a protocol that is held whole: a statement with its parameters. */
  readonly frameBytesMax: number;
  /** Most bytes of one connection that wait for the journal or for a slow reader. At this limit the gateway stops reading from the peer. */
  readonly queuedBytesMax: number;
  /** The longest time from accepting a connection to the end of the login. */
  readonly loginMs: number;
  /** The longest time from dialling a target to the end of the login there. */
  readonly dialMs: number;
  /** A connection is cut after this time without a byte in either direction. 0: no limit. */
  readonly idleMs: number;
  /** The answer to a held request over HTTP waits at most this long, unless its client is told meanwhile that it waits. */
  readonly heldAnswerMs: number;
  /** A session of a token's activity over HTTP ends after this time without a connection. */
  readonly sessionIdleMs: number;
  /** A session of a token's activity over HTTP continues in a new session after this time, or after `sessionRecordsMax` records. */
  readonly sessionAgeMs: number;
  readonly sessionRecordsMax: number;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  /** Most connections of one address that log in at the same time. Further ones wait. */
  readonly loginsPerAddressMax: number;
  /** Most connections of one address that have sent nothing yet or, over HTTP, have presented no credential. For a further connection the oldest is cut. */
  readonly silentPerAddressMax: number;
}

export const defaultLimits: Limits = {
  frameBytesMax: 64 * 1024 * 1024,
  queuedBytesMax: 1024 * 1024,
  loginMs: 15_000,
  dialMs: 15_000,
  idleMs: 0,
  // Most clients over HTTP wait a minute or longer.
  heldAnswerMs: 50_000,
  sessionIdleMs: 15 * 60_000,
  sessionAgeMs: 24 * 3_600_000,
  sessionRecordsMax: 100_000,
  connectionsMax: 2_000,
  connectionsPerAddressMax: 1_000,
  loginsPerAddressMax: 64,
  silentPerAddressMax: 512,
};

/** Most characters that are recorded of a run's command. */
export const commandLengthMax = 4096;
