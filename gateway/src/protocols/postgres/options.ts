import { z } from 'zod';
import { parseOptions } from '../../domain/options.ts';
import type { TargetFacts } from '../../domain/target.ts';
import { linkLocalOption } from '../../wire/link-local.ts';

const authMethods = ['scram-sha-256', 'md5', 'password', 'none'] as const;
export type AuthMethod = (typeof authMethods)[number];

/** The effects that the operator can name for a function. */
const functionEffects = ['read', 'write', 'define', 'destroy', 'execute', 'administer'] as const;

const sslmode = z.string().transform((mode, context) => {
  const known = readSslMode(mode);
  if (known === null) {
    context.addIssue(`${JSON.stringify(mode)} is none of off, require, verify-full. (prefer and allow would let whoever is in between choose.)`);
    return z.NEVER;
  }
  return known;
});

/** The options of a target of this protocol. They have libpq's names if libpq has such an option. */
export const postgresOptions = z
  .strictObject({
    sslmode: sslmode.optional().describe('`verify-full`, `require` or `off`. Without it `verify-full`, and `off` for a target on this machine.'),
    tls: sslmode.optional().describe('Another name for `sslmode`.'),
    sslrootcert: z.string().min(1).optional().describe("PEM file of the authorities that may have signed the target's certificate, relative to this file."),
    channel_binding: z.enum(['prefer', 'require']).default('prefer').describe('`require`: the gateway logs in only if the login is bound to the TLS channel.'),
    require_auth: z
      .preprocess((list) => (typeof list === 'string' ? list.split(',') : list), z.array(z.enum(authMethods)).min(1))
      .default([...authMethods])
      .describe(
        "The ways in which the target may ask for the gateway's credential, separated by commas. `password` is answered under TLS only, whatever this says.",
      ),
    functions: z
      .record(
        z.string().regex(/^[^.]+\.[^.]+$/, 'A function is named as SCHEMA.NAME.'),
        z.preprocess((list) => (typeof list === 'string' ? list.split(' ') : list), z.array(z.enum(functionEffects)).min(1)),
      )
      .default({})
      .describe(
        'What functions do, where the gateway cannot see it (other languages, dynamic SQL): `{ app.total: read }`, or several effects as `write destroy`. The names are SCHEMA.NAME; all functions of the name are meant. The handler of a foreign-data wrapper (`public.postgres_fdw_handler`) stands for all foreign tables of the wrapper. The effects are `read`, `write`, `define`, `destroy`, `execute` and `administer`.',
      ),
    linkLocal: linkLocalOption,
  })
  .transform(({ tls, ...rest }) => ({ ...(tls === undefined ? {} : { sslmode: tls }), ...rest }));

export type PostgresOptions = z.output<typeof postgresOptions>;

/** The TLS mode in which a target is reached. Without the option `sslmode` it is `off` for this machine and `verify-full` for any other. */
export function tlsMode({ host, options }: Pick<TargetFacts, 'host' | 'options'>): 'off' | 'require' | 'verify-full' {
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  return parseOptions(postgresOptions, options).sslmode ?? (isLocal ? 'off' : 'verify-full');
}

function readSslMode(mode: string): 'off' | 'require' | 'verify-full' | null {
  switch (mode) {
    case 'off':
    case 'disable':
      return 'off';
    case 'require':
    case 'verify-full':
      return mode;
    default:
      return null;
  }
}
