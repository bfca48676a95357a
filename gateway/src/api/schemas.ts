import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';

export const commandLengthMax = 4096;

/** What the bodies of requests must be. */
const name = z.string().min(1).max(256);

export const tokenBody = z.strictObject({ principal: name, ttlMs: z.number().positive().optional() });

/** `force`: also when it leaves nobody who may come in now. */
export const configBody = z.strictObject({ force: z.boolean().default(false) });

export const haltBody = z.strictObject({ reason: z.string().max(1000).default('') });

/** Without targets: all that the principal was granted. `command` is recorded with the run; `parent` is the token of the run that it is inside of. */
export const runBody = z.strictObject({
  principal: name.optional(),
  targets: z.array(name).max(100).default([]),
  command: z.string().max(commandLengthMax).default(''),
  parent: z.string().max(200).optional(),
  recordOutput: z.boolean().default(false),
});

/** Errors: `not_found`. */
export function parseOutputStream(stream: string): 'stdout' | 'stderr' {
  if (stream !== 'stdout' && stream !== 'stderr') {
    throw new GatewayError('not_found', 'Output is recorded of stdout and stderr.');
  }
  return stream;
}

export const endBody = z.strictObject({ exitCode: z.int().min(0).max(255).optional() });
