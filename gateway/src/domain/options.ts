import type { z } from 'zod';
import { GatewayError } from './errors.ts';

/** What a protocol's targets may be given beside what all targets have. Each option is described in the schema; those of a URL's query come as text. */
export type OptionsSchema<Options extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>> = z.ZodType<Options>;

/** What it returns is good input again. Errors: `config_invalid`. */
export function parseOptions<Options extends Readonly<Record<string, unknown>>>(
  schema: OptionsSchema<Options>,
  raw: Readonly<Record<string, unknown>>,
): Options {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const words =
      issue?.code === 'unrecognized_keys' ? `${issue.keys.join(', ')}: not known` : `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`;
    throw new GatewayError('config_invalid', words);
  }
  return parsed.data;
}
