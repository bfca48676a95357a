/** Where a secret is: in a variable of the environment, or in a file, by its absolute path. */
export type SecretSource = { readonly env: string } | { readonly file: string };

/** How long Object Lock keeps an object, and who may shorten that: nobody (compliance), or who has a right of its own for it (governance). */
export type LockMode = 'compliance' | 'governance';

/** A bucket, and how it is reached. It says where the secrets are and does not hold them, so it can be written to a file and given to a thread. */
export interface BucketSettings {
  readonly bucket: string;
  readonly region: string;
  /** The address of a server that is not AWS's; null: AWS in the region. */
  readonly endpoint: string | null;
  /** The beginning of the names of all objects: empty, or with a slash at its end. */
  readonly prefix: string;
  /** The PEM file of the authorities that may have signed the server's certificate; null: those of the system. */
  readonly caFile: string | null;
  readonly accessKeyId: SecretSource;
  readonly secretAccessKey: SecretSource;
  /** Null: the key is not a temporary one. */
  readonly sessionToken: SecretSource | null;
}

/** The object storage of a gateway. */
export interface StorageSettings extends BucketSettings {
  readonly lock: LockMode | null;
  /** The part of the journal that stays on the disk although the bucket has it. Null: there is no such limit. Both null: all stays. */
  readonly keepLocal: { readonly days: number | null; readonly bytes: number | null };
  /** For so long in ms the bucket may be behind before that is an alert. */
  readonly behindMs: number;
}
