import { z } from 'zod';
import type { SideBySide } from '../comparison/side-by-side.ts';

const side = z
  .object({
    seq: z.int().describe('The number of the request in its session.'),
    channel: z.int().nullable(),
    asked: z
      .string()
      .describe('The beginning of the request, as a person reads it, without what is new in each run: moments, ids and traces have names instead.'),
    answer: z.string().describe('The beginning of the answer, in the same way.'),
    causes: z.object({
      calls: z.array(z.string()).readonly().describe('The tool calls that the client named.'),
      likelyCalls: z.array(z.string()).readonly().describe('The tool calls that were running at that time.'),
      causedBy: z.int().nullable().describe('The number of the request whose span or trace the client named.'),
    }),
  })
  .meta({ id: 'ComparedRequest', description: 'A request of one of two sessions that are compared.' });

const marked = z
  .array(z.object({ in: z.enum(['both', 'a', 'b']), text: z.string() }))
  .readonly()
  .nullable();

const shape = {
  change: z
    .enum(['same', 'asked', 'answer', 'cause', 'unknown', 'removed', 'added'])
    .describe(
      '`asked`: something else was asked of the target in the same way. `answer`: the same was asked, and answered differently. `cause`: the clients named other calls as the cause. `unknown`: the caller may not read the content of one. `removed`, `added`: only the first session has it, only the second.',
    ),
  target: z.string().nullable(),
  action: z.string().nullable(),
  a: side.nullable(),
  b: side.nullable(),
  asked: marked.describe('Both requests as one text, in pieces that are in both or in one. Null where they are the same.'),
  answer: marked.describe('Both answers, in the same way.'),
} satisfies Record<keyof SideBySide, z.ZodType>;

export const comparedRequests = z.object(shape).meta({ id: 'ComparedRequests', description: 'A request of one session beside that of another.' });
