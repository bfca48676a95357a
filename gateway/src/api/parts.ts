import type { Backups } from '../backup/backups.ts';
import type { ErasingParts } from '../retention/erase-query.ts';
import type { Holds } from '../retention/holds.ts';
import type { WaitingErasures } from '../retention/waiting-erasures.ts';
import type { Boundary } from '../search/sight.ts';
import type { Openings } from '../access/openings.ts';
import type { Role } from '../access/roles.ts';
import type { ArchiveState } from '../archive/archive-state.ts';
import type { Approvals } from '../controls/approvals/approvals.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { BrowserSettings, Directory, FreshAct, Issuer } from '../domain/issuer.ts';
import type { Pins } from '../domain/pins.ts';
import type { GatewayError } from '../domain/errors.ts';
import type { Principal } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';
import type { SinkState } from '../exports/sink-streams.ts';
import type { FindProtocol } from '../feed/timeline.ts';
import type { Authenticator } from '../identity/authenticator.ts';
import type { BrowserSessions } from '../identity/browser-sessions.ts';
import type { CodeFlow } from '../identity/code-flow.ts';
import type { Departures } from '../identity/departures.ts';
import type { Issuers } from '../identity/issuers.ts';
import type { LocalAdministrators } from '../identity/local-administrators.ts';
import type { ShownSecret } from '../identity/shown-secret.ts';
import type { SignInLinks } from '../identity/sign-in-links.ts';
import type { Reader } from '../reader/reader.ts';
import type { RetentionRun } from '../retention/retention-run.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { RootRotation } from '../recording/root-secret/root-rotation.ts';
import type { SigningRotation } from '../recording/signing-rotation.ts';
import type { KeepingInForce } from '../retention/keeping-in-force.ts';
import type { ReportedSettings } from '../reports/setting-checks.ts';
import type { CurrentPolicy } from '../sessions/gate.ts';
import type { LiveSessions } from '../sessions/live-sessions.ts';
import type { Refusals } from '../sessions/refusals.ts';
import type { Accounts } from '../store/accounts.ts';
import type { Exclusions } from '../store/exclusions.ts';
import type { Tokens } from '../store/tokens.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import type { Timestamping } from '../timestamps/timestamping.ts';
import type { Cosigning } from '../witnesses/cosigning.ts';
import type { Console } from './console.ts';
import type { PolicyDesk } from './policy-desk.ts';
import type { RunOutputs } from './runs.ts';

/** The result of applying the configuration file. */
export interface TakenUp {
  readonly file: string;
  /** The sections that were changed and take effect only after a restart. */
  readonly waiting: readonly string[];
  /** How the policies differ from those before; null if they are the same. */
  readonly changes: string | null;
  /** How many approvals were withdrawn because of it. */
  readonly withdrawn: number;
}

/** The configuration in force, for people. */
interface ExplainedConfig {
  readonly file: string;
  /** When it came into force, in milliseconds since 1970, UTC. */
  readonly sinceMs: number;
  /** The sections of the file that were changed since the start and need a restart. */
  readonly waiting: readonly string[];
  readonly lines: readonly { readonly what: string; readonly text: string }[];
}

/** The parts of the gateway that endpoints act on. Each endpoint names the parts that it needs and sees no others. */
export interface ApiParts {
  readonly data: string;
  readonly operator: ShownSecret;
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  readonly backups: Backups;
  /** The classes by which what is recorded is kept. */
  readonly keeping: Pick<KeepingInForce, 'classes'>;
  readonly retention: Pick<RetentionRun, 'run'>;
  readonly rootRotation: RootRotation;
  readonly signingRotation: SigningRotation;
  readonly sessions: LiveSessions;
  readonly outputs: RunOutputs;
  readonly reader: Reader;
  readonly tokens: Tokens;
  readonly exclusions: Exclusions;
  /** Returns why no credential is accepted now; null if credentials are. */
  /** Says from which backup the store was restored before this start; null if it was not. */
  readonly restored: string | null;
  /** The fault for which no session is opened; null if there is none. */
  readonly rootFault: () => GatewayError | null;
  /** The recipients of age for whom the root secret is encrypted. */
  readonly escrowRecipients: readonly string[];
  readonly storeFault: () => GatewayError | null;
  readonly authenticator: Authenticator;
  readonly accounts: Accounts;
  readonly departures: Departures;
  readonly codeFlow: CodeFlow;
  readonly browserSessions: BrowserSessions;
  readonly localAdministrators: LocalAdministrators;
  readonly links: SignInLinks;
  /** How browsers sign in, as the configuration says. */
  readonly browser: () => BrowserSettings;
  readonly fresh: () => ReadonlyMap<FreshAct, number>;
  readonly verifyLogout: Issuers['verifyLogout'];
  readonly approvals: Approvals;
  readonly outbox: Outbox;
  /** The cosigning of the log by witnesses; null: none are configured. */
  readonly cosigning: Pick<Cosigning, 'status'> | null;
  /** The stamping of the log by an authority of timestamps; null: none is configured. */
  readonly timestamping: Pick<Timestamping, 'status'> | null;
  /** Compares what targets count themselves with what is recorded. */
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  /** How far the sinks are that follow the record. */
  readonly sinkStates: () => readonly SinkState[];
  /** How far the bucket is; null: there is none, or nobody has looked yet. */
  readonly archiveState: () => ArchiveState | null;
  readonly refusals: Refusals;
  readonly findProtocol: FindProtocol;
  readonly targets: () => ReadonlyMap<string, Target>;
  readonly policy: CurrentPolicy;
  readonly policyDesk: PolicyDesk;
  /** Returns why the files as they are now were not put into force; null if they were. */
  readonly refused: () => string | null;
  /** Returns the tools of a target; null if its protocol has none. Throws GatewayError `catching_up` while it is not known what was pinned. */
  readonly pinsOf: (target: Target) => Pins | null;
  readonly principals: () => ReadonlyMap<string, Principal>;
  readonly directory: () => Directory;
  /** Who may do what with recordings. */
  readonly roles: () => readonly Role[];
  /** The names of the data classes that there are. */
  readonly classNames: () => readonly string[];
  /** The classes of which nobody reads content alone, and what second persons have opened. */
  readonly guardedClasses: () => readonly string[];
  readonly openings: Openings;
  readonly holds: Holds;
  readonly erasing: ErasingParts;
  readonly waitingErasures: WaitingErasures;
  /** True: nobody erases alone. */
  readonly erasesByTwo: () => boolean;
  /** Says what is content. */
  readonly boundary: Boundary;
  readonly issuers: () => ReadonlyMap<string, Issuer>;
  /**
   * Applies the configuration file. Rejects with GatewayError `config_invalid`; `conflict` if none of the present principals would be left, unless `isMeant`;
   * `stopping`.
   */
  readonly takeUpConfig: (isMeant: boolean) => Promise<TakenUp>;
  /** Returns what is in force. It holds no secret, and nothing that may be one. */
  readonly explainConfig: () => ExplainedConfig;
  /** Returns what reports look at of what is in force. */
  readonly reportedSettings: () => ReportedSettings;
  /** The addresses where the gateway listens, by the names that the listeners have in the configuration. */
  readonly addresses: () => Readonly<Record<string, string>>;
  /** The public keys by which clients know the listeners, by the ids of their protocols. */
  readonly listenerKeys: () => Readonly<Record<string, string>>;
  /** True if the listeners have a certificate. */
  readonly isEncrypted: boolean;
  readonly software: string;
  /** Returns the OpenAPI document of the API. */
  readonly openApi: () => Readonly<Record<string, unknown>>;
  /** The console; null: it is not installed. */
  readonly console: Console | null;
  readonly isStopping: () => boolean;
}
