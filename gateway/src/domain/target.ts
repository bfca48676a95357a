/** The place that a record must have reached before the recorded bytes move on. */
export type Durability = 'disk' | 'process' | 'remote';

/** The facts of a record have 64 KiB, for these and others. */
const factsBytesMax = 32 * 1024;

/** Hands out a secret when it is needed; the value is not kept by the holder. */
export type SecretReader = () => string;

/** A program that is a target: the gateway starts it, and speaks to it over its standard input and output. */
export interface TargetCommand {
  /** The program and its arguments; no shell reads them. */
  readonly argv: readonly [string, ...string[]];
  /** The variables that the program gets beside those that every program needs, by name. */
  readonly environment: Readonly<Record<string, SecretReader>>;
  /** Absolute path of the directory that it starts in. */
  readonly directory: string;
}

/** The facts of a target that may be told: everything except its credential. */
export interface TargetFacts {
  readonly name: string;
  /** Id of a registered protocol. */
  readonly protocol: string;
  /** The scheme of the configured URL, or else the protocol's first. */
  readonly scheme: string;
  /** Empty for a program. */
  readonly host: string;
  readonly port: number;
  /** Path of the configured URL without the slash: a default database, a base path. */
  readonly path: string;
  /** Validated by the protocol's own options schema. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A named upstream with an address and a credential of its own. */
export interface Target extends TargetFacts {
  readonly user: string;
  readonly password?: SecretReader;
  /** A program instead of an address. */
  readonly command?: TargetCommand;
  readonly durability: Durability;
  /** What the configuration says of the target, for policy. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** The facts of targets for a record, of as many targets as fit. */
export function targetFacts(targets: Iterable<Target>): readonly TargetFacts[] {
  const told: TargetFacts[] = [];
  let bytes = 0;
  for (const { name, protocol, scheme, host, port, path, options } of targets) {
    const facts = { name, protocol, scheme, host, port, path, options };
    bytes += Buffer.byteLength(JSON.stringify(facts));
    if (bytes > factsBytesMax) {
      break;
    }
    told.push(facts);
  }
  return told;
}
