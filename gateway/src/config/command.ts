import { resolve } from 'node:path';
import type { TargetCommand } from '../domain/target.ts';
import type { RawTarget, Wrong } from './schema.ts';
import type { OpenSecret } from './secret.ts';

interface CommandContext {
  readonly openSecret: OpenSecret;
  /** Directory that others are relative to. */
  readonly base: string;
  readonly wrong: Wrong;
}

/** A target that is a program; null when something is wrong with it. */
export function parseCommand(argv: TargetCommand['argv'], raw: RawTarget, { openSecret, base, wrong }: CommandContext): TargetCommand | null {
  for (const field of ['url', 'host', 'port', 'path', 'user', 'password'] as const) {
    if (raw[field] !== undefined) {
      return wrong(field, field === 'password' ? 'a program gets its secrets in its environment' : 'a target has an address or a command, not both');
    }
  }
  const environment = Object.entries(raw.environment ?? {}).map(([name, value]) => [
    name,
    typeof value === 'string' ? () => value : openSecret(value, (message) => wrong('environment', message)),
  ]);
  return { argv, environment: Object.fromEntries(environment), directory: resolve(base, raw.directory ?? '.') };
}
