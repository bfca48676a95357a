import { GatewayError } from '../domain/errors.ts';
import type { Identity, Principal, Standing } from '../domain/principal.ts';
import type { ConnectionInstructions } from '../domain/protocol.ts';
import type { MessageRange, SessionPage } from '../domain/shown-record.ts';
import type { NewToken } from '../identity/authenticate.ts';
import type { IndexRebuilt } from '../reader/questions.ts';
import type { StoredToken } from '../store/tokens.ts';
import type { Measures } from './metrics.ts';
import type { TargetSummary } from './target-summary.ts';

/** Who talks to the API: the operator on the gateway's own machine, an administrator or auditor by token, or a run. Named in the record of what is done. */
export interface Caller {
  readonly id: string;
  readonly address: string;
  /** Null for the operator, whose credential is a file. */
  readonly standing: Standing | null;
  /** Set when it showed the token of a run, which may have ended: it may act inside that run alone. */
  readonly run?: Identity & { readonly session: string };
  /** Set where everybody may ask: whoever the token speaks for. */
  readonly identity?: Identity;
}

/** Principals of this group may use the API with their own token. */
const administrators = 'admins';
/** Those of this one may read what is about nobody: the public log, and how the gateway does. */
const auditors = 'auditors';

/** Whom an endpoint answers: `runs` or `auditors` beside administrators; `everybody` who has a token. */
export type Callers = 'administrators' | 'runs' | 'auditors' | 'everybody';

/** Errors: `unauthenticated` when the caller's credential has ended, `refused` when its principal may not use the API. */
export function checkCaller({ id, standing, run }: Caller, callers: Callers = 'administrators'): void {
  const end = standing?.ended() ?? null;
  if (end !== null) {
    throw end.error;
  }
  const groups = callers === 'auditors' ? [administrators, auditors] : [administrators];
  if (standing !== null && run === undefined && !groups.some((group) => standing.principal.groups.includes(group))) {
    throw new GatewayError('refused', `${id} may not use the API: that takes a token of a principal in the group ${groups.join(' or ')}.`);
  }
}

export interface RunRequest {
  /** A run opens runs for its own principal; an administrator says for whom. */
  readonly principal?: string | undefined;
  readonly targets: readonly string[];
  /** What is run, for the record. */
  readonly command: string;
  /** With the token of a run the new one is opened inside it: that proves whose it is, and a run is named in no other way. A run needs none. */
  readonly parent?: string | undefined;
  /** `recordOutput` will be called with what the command prints. */
  readonly recordOutput: boolean;
}

export interface CommandOutput {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

export interface OpenedRun {
  readonly session: string;
  readonly token: string;
  readonly traceparent: string;
  /** What the command gets: see DESIGN, "what programs hold". */
  readonly environment: Readonly<Record<string, string>>;
}

/** What is in force. */
export interface AppliedConfig {
  readonly file: string;
  readonly principals: number;
  readonly targets: number;
  /** Sections of the file that were changed since the start, and take a restart. */
  readonly waiting: readonly string[];
}

export interface HaltedSession {
  readonly halted: string;
  /** The token that came with it and still opens sessions; null where it ended with the session, as that of a run does. */
  readonly token: string | null;
}

export interface ReachedTarget {
  readonly protocol: string;
  /** `stream`: by a listener of its own; `exchange`: over HTTP. */
  readonly transport: 'stream' | 'exchange';
}

/** All that the API can do. */
export interface ApiContext {
  /** Errors: `unauthenticated` and `refused`, each recorded with address and reason, and slowed down. */
  authenticate(authorization: string | undefined, address: string, callers: Callers): Promise<Caller>;
  listTargets(): readonly TargetSummary[];
  listPrincipals(): readonly Principal[];
  /** Takes the configuration file up as it is now. Errors: `config_invalid`; `conflict` when it leaves nobody who may come in now, unless that is meant. */
  applyConfig(isMeant: boolean, by: Caller): Promise<AppliedConfig>;
  /** Errors: `unknown_principal`, `limit_exceeded`. */
  createToken(principal: string, ttlMs: number | undefined, by: Caller): Promise<NewToken>;
  listTokens(): Promise<readonly StoredToken[]>;
  /** The id of the token, which `name` is too, or the hash of the token in hex. Null when there is no such token. */
  revokeToken(name: string, by: Caller): Promise<string | null>;
  /** Lines of JSON, a `SessionSummary` each, oldest first; among `all` are the gateway's own: starts, refused logins, who read what. Errors: `not_found`; `store_damaged`, behind what is whole, as below. */
  listSessions(page: SessionPage): AsyncIterable<Uint8Array>;
  /** Lines of JSON, a `ShownRecord` each. Errors: `not_found`. The reading is recorded. `live`: goes on until the session closes or the signal aborts. */
  showSession(session: string, by: Caller, live: AbortSignal | null): AsyncIterable<Uint8Array>;
  /** Bytes of a record and of the parts that continue it. Errors: `not_found`. The reading is recorded. */
  readBytes(session: string, range: MessageRange, by: Caller): AsyncIterable<Uint8Array>;
  /** The lines of a bundle. Errors: `not_found`. The reading is recorded. */
  exportSession(session: string, by: Caller): AsyncIterable<Uint8Array>;
  /** Makes the index of sessions again from the journal. */
  rebuildIndex(by: Caller): Promise<IndexRebuilt>;
  /** Errors: `not_found`, `conflict` when it is closed already. */
  haltSession(session: string, by: Caller, reason: string): Promise<HaltedSession>;
  /** Errors: `not_found`. */
  receipt(log: string, index: number): Promise<string>;
  /** A file of the public log: `checkpoint`, `key`, `tile/...`; null when there is none. */
  logFile(path: string): Promise<Uint8Array | null>;
  /** Why nothing is served now; empty: it is. One sentence each, and nothing in it that not everybody may know. */
  unreadiness(): readonly string[];
  /** How far the index is, which everybody may know; null: it is whole. */
  indexBehind(): string | null;
  measure(): Promise<Measures>;
  /** Errors: `unknown_principal`, `refused`, `unauthenticated`, `unknown_target`, `limit_exceeded`. */
  openRun(request: RunRequest, by: Caller): Promise<OpenedRun>;
  /** By whoever may open it. Resolves when it is recorded. Errors: `refused`, `conflict`, `cannot_record`, or why the run is ending. */
  recordOutput(session: string, output: CommandOutput, by: Caller): Promise<void>;
  /** Whoever may open it may end it, with the exit code of its command. Idempotent. Errors: `refused`. */
  endRun(session: string, exitCode: number | undefined, by: Caller): Promise<boolean>;
  /** Whether whoever the caller's token speaks for gets to the target. Errors: `unknown_target` and `refused`, each recorded with address and reason. */
  checkConnection(target: string, by: Caller): Promise<ReachedTarget>;
  /** With a token's place left open. `localPort`: for a port of the client's own machine that leads to the target. Errors: `unknown_target`. */
  connection(target: string, localPort: number | null): ConnectionInstructions;
}
