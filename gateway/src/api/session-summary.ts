import { z } from 'zod';
import type { SessionSummary } from '../feed/shown-record.ts';

/** The members of a session in a list. */
export const sessionSummary = {
  session: z.string().describe('32 hex digits.'),
  principal: z.string().nullable().describe('Null for a session of the gateway itself.'),
  opened: z.iso.datetime(),
  closed: z.iso.datetime().nullable(),
  targets: z.array(z.string()).readonly(),
  records: z.int(),
  state: z
    .enum(['open', 'closed', 'halted', 'suspended', 'interrupted'])
    .describe('`suspended`: it ended because its principal was suspended. `interrupted`: a crash of the gateway ended it.'),
} satisfies Record<keyof SessionSummary, z.ZodType>;
