import type { SecretSource } from './storage.ts';

/** The variable that holds the root key where the configuration names none. */
export const rootKeyVariable = 'COUNTERSIGN_ROOT_KEY';

/** A key of 32 bytes, as 64 hex digits, that this machine has. */
interface LocalSettings {
  readonly kind: 'local';
  readonly key: SecretSource;
}

/** A key of the transit engine of Vault or OpenBao. */
export interface VaultSettings {
  readonly kind: 'vault';
  /** `https://HOST/v1/MOUNT/keys/NAME`. */
  readonly url: string;
  readonly token: SecretSource;
  /** The PEM file of the authorities that may have signed the server's certificate; null: those of the system. */
  readonly caFile: string | null;
}

/** A symmetric key of AWS KMS. */
export interface KmsSettings {
  readonly kind: 'aws-kms';
  readonly arn: string;
  readonly region: string;
  /** The address of a server that is not AWS's; null: AWS in the region. */
  readonly endpoint: string | null;
  readonly caFile: string | null;
  readonly accessKeyId: SecretSource;
  readonly secretAccessKey: SecretSource;
  /** Null: the key is not a temporary one. */
  readonly sessionToken: SecretSource | null;
}

/** An AES key in a token that speaks PKCS#11. */
export interface Pkcs11Settings {
  readonly kind: 'pkcs11';
  /** The library of the token's maker, as an absolute path. */
  readonly module: string;
  /** The label of the token. */
  readonly token: string;
  /** The id of the key, in hex. */
  readonly key: string;
  readonly pin: SecretSource;
}

/** The provider that wraps the root secret. It says where the credentials are and does not hold them. */
export type RootSettings = LocalSettings | VaultSettings | KmsSettings | Pkcs11Settings;

/** The settings of the root secret, which opens all other keys. */
export interface KeySettings {
  /** The provider that wraps it. Null: the key in `COUNTERSIGN_ROOT_KEY`, or `root.key` in the data directory. */
  readonly root: RootSettings | null;
  /** The provider that wrapped it before: it is asked where `root` has not wrapped it yet. Null: nothing else did. */
  readonly previous: RootSettings | null;
  /** Recipients of age for whom the root secret is encrypted. */
  readonly escrow: readonly string[];
  /** For so long, in ms, new sessions are opened while the provider does not unwrap the root secret any more. */
  readonly staleMs: number;
}

export const defaultKeys: KeySettings = { root: null, previous: null, escrow: [], staleMs: 300_000 };

/** Where the root secret of a store is found. */
export interface RootSource {
  /** Absent: `defaultKeys`. */
  readonly keys?: KeySettings;
  /** The variables in which its credentials may be. Absent: none. */
  readonly environment?: NodeJS.ProcessEnv;
}
