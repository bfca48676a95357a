import type { Certificate, WitnessPolicy } from '@countersign/ledger';
import type { AlertRule } from '../domain/alert.ts';
import type { UsageSettings } from '../domain/usage-settings.ts';
import type { Role } from '../access/roles.ts';
import type { DataClass } from '../domain/data-class.ts';
import type { HoldMode } from '../domain/approval.ts';
import type { BrowserSettings, Directory, FreshAct } from '../domain/issuer.ts';
import type { Limits } from '../domain/limits.ts';
import type { KeySettings } from '../domain/root-settings.ts';
import type { Sink } from '../domain/sink.ts';
import type { StorageSettings } from '../domain/storage.ts';
import type { StoreSettings } from '../domain/store-settings.ts';
import type { SecretReader, Target } from '../domain/target.ts';
import type { RetentionSettings } from '../retention/retention-rules.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface StoreConfig {
  /** Reads how the database is reached, with the password as it is now. Throws GatewayError `key_unavailable`. */
  readonly settings: () => StoreSettings;
  /** Reads the key with which the gateways of the store seal what they write there. */
  readonly key: SecretReader;
  /** For so long, in ms, credentials are accepted while the store cannot be asked whether they were ended. */
  readonly staleMs: number;
}

/** The whole configuration, validated and frozen. */
export interface Config extends Directory {
  /** Absolute path. */
  readonly file: string;
  /** Absolute paths of the files that it names, besides policies: certificates, keys, other secrets, lists. They need not be there. */
  readonly files: readonly string[];
  /** The SHA-256 digest of the file, hexadecimal: what `sha256sum` prints. */
  readonly sha256: string;
  /** Absolute path of the data directory. */
  readonly data: string;
  /** The PostgreSQL that keeps what gateways share; null: a file of the data directory does, for this gateway alone. */
  readonly store: StoreConfig | null;
  /** The addresses to listen on: `http`, and the id of each protocol. */
  readonly listen: ReadonlyMap<string, Address>;
  /** `clientsFile`: the authorities whose certificates clients may show; null: clients show none. */
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly clientsFile: string | null } | null;
  /** The settings of the root secret, which opens all other keys. */
  readonly keys: KeySettings;
  /** Object storage for what is recorded; null: it stays in the data directory. */
  readonly storage: StorageSettings | null;
  readonly targets: ReadonlyMap<string, Target>;
  /** The place of each target's address in the file, as `FILE:LINE:COLUMN`, by the target's name. */
  readonly places: ReadonlyMap<string, string>;
  /** Absolute path of the policies: a directory or a file. Null: there are none but the grants. */
  readonly policies: string | null;
  /** True if administrators may save files of policies over the API. */
  readonly savesPolicies: boolean;
  /** How long a held request may wait for people, and how its client learns the outcome: null if people wait and agents are answered at once. */
  readonly approvals: {
    readonly waitMs: number;
    readonly mode: HoldMode | null;
    /** The names of the sinks that get a notice of each step. */
    readonly notify: readonly string[];
    /** The address of a page about approvals, with `{approval}` in place of the id. Null: there is none. */
    readonly link: string | null;
  };
  /** The model that says what it thinks of sessions that are to be reviewed. Null: none is asked. */
  readonly reviewModel: ReviewModel | null;
  /** The rules for alerts that are in force, the built-in ones among them, by their names. */
  readonly alerts: ReadonlyMap<string, AlertRule>;
  /** Who may do what with recordings. */
  readonly roles: readonly Role[];
  /** The receivers of notices, by their names. */
  readonly sinks: ReadonlyMap<string, Sink>;
  /** The data classes that the file names, by their names. */
  readonly classes: ReadonlyMap<string, DataClass>;
  /** The names of the classes of which nobody reads content alone over the API. */
  readonly guardedClasses: readonly string[];
  readonly browser: BrowserSettings;
  /** For an act, how long ago a person with an account at an issuer may have signed in, in ms. Without an entry it does not matter. */
  readonly fresh: ReadonlyMap<FreshAct, number>;
  /** For how long what is recorded is kept. */
  readonly retention: RetentionSettings;
  /** Where providers report their usage, by the names of targets. */
  readonly reconcile: ReadonlyMap<string, UsageSettings>;
  /** The witnesses that are asked to cosign the log; null: nobody is asked. */
  readonly witnesses: WitnessConfig | null;
  /** The authority that stamps checkpoints; null: nobody is asked. */
  readonly timestamps: TimestampConfig | null;
  readonly limits: Limits;
  /** Each section that takes effect only at a start, as text, to detect whether it was changed. */
  readonly atStart: ReadonlyMap<string, string>;
}

export interface WitnessConfig {
  readonly policy: WitnessPolicy;
  /** The PEM file of the authorities that may have signed their certificates. Null: those of the system. */
  readonly caFile: string | null;
  /** So long, in ms, the quorum, or a witness, may be missing before that is told. */
  readonly lostMs: number;
}

export interface TimestampConfig {
  /** Where the authority is, without a user or a password. */
  readonly url: string;
  /** The PEM file of the authorities that may have signed the certificate of its TLS. Null: those of the system. */
  readonly caFile: string | null;
  /** The authorities from which its signer must descend. Null: any signer will do. */
  readonly trusted: readonly Certificate[] | null;
  /** A timestamp is asked for at most this often, in ms; more often only after deletions. */
  readonly everyMs: number;
  /** So long, in ms, a timestamp may be due before that is told. */
  readonly lostMs: number;
}

export interface ReviewModel {
  /** The principal that asks. */
  readonly as: string;
  readonly target: string;
  readonly model: string;
  /** The lowest risk of a session that the model is asked about. */
  readonly threshold: number;
  readonly everyMs: number;
  /** Most sessions that it is asked about each time. */
  readonly most: number;
}
