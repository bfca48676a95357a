import { z } from 'zod';

export const commandLengthMax = 4096;

/** What the bodies of requests must be. */
const name = z.string().min(1).max(256);

export const tokenBody = z.strictObject({ principal: name, ttlMs: z.number().positive().optional() });

export const haltBody = z.strictObject({ reason: z.string().max(1000).default('') });

/** Without targets: all that the principal was granted. `command` is recorded with the run; `parent` is the token of the run that it is inside of. */
export const runBody = z.strictObject({
  principal: name.optional(),
  targets: z.array(name).max(100).default([]),
  command: z.string().max(commandLengthMax).default(''),
  parent: z.string().max(200).optional(),
});

export const endBody = z.strictObject({ exitCode: z.int().min(0).max(255).optional() });
