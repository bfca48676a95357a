import { z } from 'zod';
import type { CountedValue, FoundRecord, FoundSession, SearchSummary } from '../search/found.ts';
import { sessionOverview } from './session-summary.ts';

const found = {
  record: z.string().describe('`LOG/INDEX`.'),
  session: z.string(),
  seq: z.int(),
  time: z.iso.datetime(),
  principal: z.string().nullable(),
  onBehalfOf: z.string().nullable(),
  target: z.string().nullable(),
  protocol: z.string().nullable(),
  kind: z.string(),
  action: z.string().nullable(),
  verdict: z.string().nullable(),
  policies: z.array(z.string()).readonly(),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).readonly()])),
  snippet: z.string().nullable().describe('The part of the text that was looked for, or its beginning.'),
  verified: z.boolean().describe('False if a body of the record is not what its leaf commits to.'),
} satisfies Record<keyof FoundRecord, z.ZodType>;

const counted = { value: z.string(), count: z.int() } satisfies Record<keyof CountedValue, z.ZodType>;

const summary = {
  count: z.int().describe('How many records the query may hold for.'),
  isExact: z.boolean().describe('False if fewer may be meant, because the index does not know the order of words.'),
  behind: z
    .int()
    .nullable()
    .describe('How many records are not in the index yet. Null: some; how many is not for a caller who sees only a part of the records.'),
  next: z.string().nullable().describe('`before` for the rest of the records; null: there is no rest.'),
} satisfies Record<keyof SearchSummary, z.ZodType>;

const foundSession = { ...sessionOverview.shape, found: z.int().describe('How many of its records were found.') } satisfies Record<
  keyof FoundSession,
  z.ZodType
>;

/** A line of the answer to a search. */
export const searchLine = z.union([
  z.object(found).meta({ id: 'FoundRecord', description: 'A record that was found.' }),
  z.object(foundSession).meta({ id: 'FoundSession', description: 'A session with records that were found.' }),
  z.object(counted).meta({ id: 'CountedValue', description: 'A value of a field, and how many records have it.' }),
  z.object({ summary: z.object(summary) }).meta({ id: 'SearchSummary', description: 'The last line.' }),
]);
