/** The place that a record must have reached before the recorded bytes move on. */
export type Durability = 'disk' | 'process' | 'remote';

/** Most bytes of these facts in a record, whose facts are at most 64 KiB together. */
const factsBytesMax = 32 * 1024;

/** Returns a secret when it is needed. The holder does not keep the value. */
export type SecretReader = () => string;

/** A program that is a target. The gateway starts it and speaks to it over its standard input and output. */
export interface TargetCommand {
  /** The program and its arguments; no shell reads them. */
  readonly argv: readonly [string, ...string[]];
  /** The variables that the program gets in addition to those that every program needs, by name. */
  readonly environment: Readonly<Record<string, SecretReader>>;
  /** The absolute path of the directory in which it starts. */
  readonly directory: string;
}

/** The facts of a target that may be shown: everything except its credential. */
export interface TargetFacts {
  readonly name: string;
  /** The id of a registered protocol. */
  readonly protocol: string;
  /** The scheme of the configured URL; without a URL the protocol's first scheme. */
  readonly scheme: string;
  /** The host to dial; empty for a program. */
  readonly host: string;
  readonly port: number;
  /** The path of the configured URL without its slash: a default database, or a base path. */
  readonly path: string;
  /** The options, validated by the protocol's own schema. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A named upstream with an address and a credential of its own. */
export interface Target extends TargetFacts {
  readonly user: string;
  readonly password?: SecretReader;
  /** The program, if the target is a program and has no address. */
  readonly command?: TargetCommand;
  readonly durability: Durability;
  /** The tags that the configuration gives the target, for policy. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The data classes whose values are looked for in requests and answers, also where nothing is masked. Absent: none. */
  readonly inspect?: readonly string[];
  /** `observe`: policies of files are decided and recorded for this target, and not enforced. */
  readonly mode?: 'observe' | 'enforce';
}

/** Returns the facts of targets for a record: of as many targets as fit. */
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
