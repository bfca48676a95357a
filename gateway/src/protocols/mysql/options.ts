import { z } from 'zod';
import { parseOptions } from '../../domain/options.ts';
import type { TargetFacts } from '../../domain/target.ts';
import { linkLocalOption } from '../../wire/link-local.ts';
import { usersOption } from '../../wire/remote-user.ts';
import { plugins } from './authentication.ts';

const ways = [plugins.sha2, plugins.ed25519, plugins.native, plugins.clear] as const;

/** The options of a target of this protocol. */
export const mysqlOptions = z.strictObject({
  tls: z
    .enum(['off', 'require', 'verify-full'])
    .optional()
    .describe('`verify-full`, `require` or `off`. Without it `verify-full`, and `off` for a target on this machine.'),
  caFile: z.string().min(1).optional().describe("PEM file of the authorities that may have signed the target's certificate, relative to this file."),
  publicKeyFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "PEM file of the target's public key, for `caching_sha2_password` without TLS, relative to this file. A key that the target itself shows is not taken.",
    ),
  authentication: z
    .preprocess((list) => (typeof list === 'string' ? list.split(',') : list), z.array(z.enum(ways)).min(1))
    .default([...ways])
    .describe(
      "The ways in which the target may ask for the gateway's credential, separated by commas. `mysql_clear_password` is answered under TLS only, whatever this says.",
    ),
  users: usersOption,
  linkLocal: linkLocalOption,
});

export type MysqlOptions = z.output<typeof mysqlOptions>;

/** The TLS mode in which a target is reached. */
export function tlsMode({ host, options }: Pick<TargetFacts, 'host' | 'options'>): 'off' | 'require' | 'verify-full' {
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  return parseOptions(mysqlOptions, options).tls ?? (isLocal ? 'off' : 'verify-full');
}
