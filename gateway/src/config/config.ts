import type { Limits } from '../domain/limits.ts';
import type { Principal } from '../domain/principal.ts';
import type { SecretReader, Target } from '../domain/target.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The whole configuration, validated and frozen. */
export interface Config {
  /** Absolute path. */
  readonly file: string;
  /** Absolute path of the data directory. */
  readonly data: string;
  /** `http` and one for each protocol that is listened for. */
  readonly listen: ReadonlyMap<string, Address>;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** Given by the configuration; null: COUNTERSIGN_ROOT_KEY, or the file in the data directory. */
  readonly rootKey: SecretReader | null;
  readonly targets: ReadonlyMap<string, Target>;
  readonly principals: ReadonlyMap<string, Principal>;
  readonly retention: { readonly metaDays: number | null; readonly contentDays: number | null };
  readonly limits: Limits;
  /** Each section that takes a restart, as the file has it, to tell whether it was changed. */
  readonly atStart: ReadonlyMap<string, string>;
}
