/** Limits on what a peer may make us hold or wait for. Each has a default; the configuration may lower or raise it. */
export interface Limits {
  /** Largest single message of a protocol that is held whole: a statement with its parameters. */
  readonly frameBytesMax: number;
  /** Outputs of one connection that wait for the journal or a slow reader before we stop reading from its peer. */
  readonly queuedBytesMax: number;
  /** The time from accepting a connection to a finished login. */
  readonly loginMs: number;
  /** The time from dialling a target to a finished login there. */
  readonly dialMs: number;
  /** A connection is cut after this time without a byte in either direction. 0: no limit. */
  readonly idleMs: number;
  /** A session of a token's activity over HTTP ends after this time without a connection. */
  readonly sessionIdleMs: number;
  /** A session of a token's activity over HTTP continues in a new session after this time, or after `sessionRecordsMax` records. */
  readonly sessionAgeMs: number;
  readonly sessionRecordsMax: number;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  /** Connections of one address that are in the middle of a login; further ones wait. */
  readonly loginsPerAddressMax: number;
  /** Connections of one address that have said nothing yet, or show no credential over HTTP: for a further one the oldest is cut. */
  readonly silentPerAddressMax: number;
}

export const defaultLimits: Limits = {
  frameBytesMax: 64 * 1024 * 1024,
  queuedBytesMax: 1024 * 1024,
  loginMs: 15_000,
  dialMs: 15_000,
  idleMs: 0,
  sessionIdleMs: 15 * 60_000,
  sessionAgeMs: 24 * 3_600_000,
  sessionRecordsMax: 100_000,
  connectionsMax: 2_000,
  connectionsPerAddressMax: 1_000,
  loginsPerAddressMax: 64,
  silentPerAddressMax: 512,
};

/** Characters of a command that a run records. */
export const commandLengthMax = 4096;
