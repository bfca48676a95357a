import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';

const authMethods = ['scram-sha-256', 'md5', 'password', 'none'] as const;
export type AuthMethod = (typeof authMethods)[number];

/** A target's own options: libpq's names where it has one. */
const schema = z.strictObject({
  /** Without it: `verify-full`, and `off` for a target on this machine. */
  sslmode: z
    .string()
    .transform((mode, context) => {
      const known = readSslMode(mode);
      if (known === null) {
        context.addIssue(`${JSON.stringify(mode)} is none of off, require, verify-full. (prefer and allow would let whoever is in between choose.)`);
        return z.NEVER;
      }
      return known;
    })
    .optional(),
  /** PEM file with the authorities that may have signed the target's certificate. */
  sslrootcert: z.string().min(1).optional(),
  channel_binding: z.enum(['prefer', 'require']).default('prefer'),
  /** Comma-separated: how the gateway lets the target ask for its credential. `password` is answered under TLS only, whatever this says. */
  require_auth: z.preprocess((list) => (typeof list === 'string' ? list.split(',') : list), z.array(z.enum(authMethods)).min(1)).default([...authMethods]),
});

export type PostgresOptions = z.output<typeof schema>;

/** What it returns is good input again. Errors: `config_invalid`. */
export function parsePostgresOptions(raw: Readonly<Record<string, unknown>>): PostgresOptions {
  const { tls, ...rest } = raw;
  const named = tls === undefined ? rest : { sslmode: tls, ...rest };
  const parsed = schema.safeParse(named);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new GatewayError('config_invalid', `${issue?.path.join('.') ?? 'options'}: ${issue?.message ?? 'not valid'}`);
  }
  return parsed.data;
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
