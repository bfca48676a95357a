import type { z } from 'zod';
import { GatewayError } from './errors.ts';
import { plainFault } from './plain-faults.ts';

/**
 * The schema of the options that a protocol's targets have in addition to those of all targets. It describes each option. The values are texts if they come
 * from the query of a URL.
 */
export type OptionsSchema<Options extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>> = z.ZodType<Options>;

/** Parses a target's options. The result can be parsed again. Throws GatewayError `config_invalid`. */
export function parseOptions<Options extends Readonly<Record<string, unknown>>>(
  schema: OptionsSchema<Options>,
  raw: Readonly<Record<string, unknown>>,
): Options {
  const parsed = schema.safeParse(raw, { error: plainFault });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const words =
      issue?.code === 'unrecognized_keys' ? `${issue.keys.join(', ')}: not known` : `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`;
    throw new GatewayError('config_invalid', words);
  }
  return parsed.data;
}
