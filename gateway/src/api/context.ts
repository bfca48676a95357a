import type { Identity } from '../domain/principal.ts';
import type { SessionSummary, ShownRecord } from '../domain/shown-record.ts';
import type { NewToken } from '../identity/authenticate.ts';
import type { StoredToken } from '../store/tokens.ts';

/** Who talks to the API: the operator on the gateway's own machine, or an administrator by token. */
export interface Caller {
  readonly id: string;
  readonly address: string;
}

export interface RunRequest {
  readonly principal: string;
  readonly targets: readonly string[];
}

export interface OpenedRun {
  readonly session: string;
  readonly token: string;
  readonly traceparent: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** All that the API can do; the composition root provides it. */
export interface ApiContext {
  /** What the caller is, or null. */
  identify(authorization: string | undefined): Promise<{ readonly operator: true } | { readonly identity: Identity } | null>;
  listTargets(): readonly Readonly<Record<string, unknown>>[];
  listPrincipals(): readonly Readonly<Record<string, unknown>>[];
  createToken(principal: string, ttlMs: number | undefined): Promise<NewToken>;
  listTokens(): Promise<readonly StoredToken[]>;
  revokeToken(id: string): Promise<boolean>;
  listSessions(): AsyncIterable<SessionSummary>;
  /** Errors: `not_found`. The reading is recorded. `live`: goes on until the session closes or the signal aborts. */
  showSession(session: string, reader: Caller, live: AbortSignal | null): AsyncIterable<ShownRecord>;
  exportSession(session: string, reader: Caller): AsyncIterable<string>;
  haltSession(session: string, by: Caller, reason: string): Promise<void>;
  receipt(log: string, index: number): Promise<string>;
  /** A file of the public log: `checkpoint`, `key`, `tile/...`; null when there is none. */
  logFile(path: string): Promise<Uint8Array | null>;
  openRun(request: RunRequest): Promise<OpenedRun>;
  endRun(session: string): void;
  connection(target: string): Readonly<Record<string, unknown>>;
}
