import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import type { Target } from '../domain/target.ts';

export const targetSummary = z
  .object({
    name: z.string(),
    protocol: z.string(),
    host: z.string(),
    port: z.int(),
    path: z.string(),
    user: z.string(),
    program: z.string().optional().describe('The program, if the target is one. Its arguments are left out, because they may hold secrets.'),
    durability: z.enum(['disk', 'process', 'remote']).describe('Where a record must be before the recorded bytes move on.'),
    tags: z.record(z.string(), z.string()).readonly().describe('What policies may ask of the target.'),
    inspect: z.array(z.string()).readonly().describe('The data classes whose values are looked for in requests and answers.'),
    mode: z.enum(['enforce', 'observe']).describe('`observe`: policies of files are decided and recorded, and not enforced.'),
  })
  .meta({ id: 'TargetSummary', description: 'A target in a list, without its options and its password.' });

/** A target in a list: one line of `target list --json`. */
export type TargetSummary = Readonly<z.output<typeof targetSummary>>;

/** Leaves out the password and the options, which may hold secrets. */
export function summarizeTarget({
  name,
  protocol,
  host,
  port,
  path,
  user,
  command,
  durability,
  tags = {},
  inspect = [],
  mode = 'enforce',
}: Target): TargetSummary {
  return { name, protocol, host, port, path, user, ...(command === undefined ? {} : { program: command.argv[0] }), durability, tags, inspect, mode };
}

/** Returns a target. Throws GatewayError `unknown_target` if there is none of this name. */
export function requireTarget(targets: ReadonlyMap<string, Target>, name: string): Target {
  const target = targets.get(name);
  if (target === undefined) {
    throw new GatewayError('unknown_target', `There is no target ${JSON.stringify(name)}: countersign target list names them.`);
  }
  return target;
}
