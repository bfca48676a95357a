import { z } from 'zod';
import { queryLengthMax, rulesMax, type KeptFor, type RetentionSettings } from '../retention/retention-rules.ts';

const days = z.int().min(1).nullable();

/** How long something is kept, as the API says it. */
export const keptFor = {
  content: days.describe('For how many days contents are kept; null: for ever.'),
  facts: days.describe('For how many days facts are kept; null: for ever.'),
  floor: days.describe('For so many days nothing is erased before its time; null: there is no such time.'),
} satisfies Record<keyof KeptFor, z.ZodType>;

/** The settings of retention as a client sends them. */
export const sentSettings: z.ZodType<RetentionSettings> = z.strictObject({
  default: z.strictObject(keptFor),
  rules: z.array(z.strictObject({ query: z.string().max(queryLengthMax), ...keptFor })).max(rulesMax),
  eraseByTwo: z.literal(true).optional(),
});

export const day = z.iso.date();
/** A last day of keeping. */
export const lastDay = day.nullable();

/** How many secrets there are. */
export const secretCounts = {
  facts: z.int().describe('How many secrets of facts. A session has one for each class and day on which it recorded.'),
  contents: z.int().describe('How many secrets of contents.'),
};
