import type { Durability, Target } from '../domain/target.ts';

/** A target as it is listed: one line of `target list --json`. */
export interface TargetSummary {
  readonly name: string;
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly user: string;
  /** Of a program: without its arguments, which may hold secrets. */
  readonly program?: string;
  readonly durability: Durability;
}

/** Without its options, which may hold secrets, and its password. */
export function summarizeTarget({ name, protocol, host, port, path, user, command, durability }: Target): TargetSummary {
  return { name, protocol, host, port, path, user, ...(command === undefined ? {} : { program: command.argv[0] }), durability };
}
