import { z } from 'zod';
import type { SessionSummary } from '../feed/shown-record.ts';
import { activityParts, type TargetActivity } from '../search/session-activity.ts';
import type { Finding, Risk, SessionOverview } from '../search/found.ts';

const summary = {
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

const risk = {
  score: z.int().describe('From 0 to 100.'),
  reasons: z.array(z.string()).readonly().describe('What adds to it, and how much.'),
} satisfies Record<keyof Risk, z.ZodType>;

const finding = {
  sign: z.string(),
  words: z.string().describe('What was found.'),
  count: z.int().describe('How many records show it.'),
  weight: z.int().describe('What it adds to the risk.'),
  record: z.string().nullable().describe('`LOG/INDEX` of the first of them. Null: it is the time of the session that shows it.'),
  seq: z.int().nullable().describe('The number of this record in the session.'),
} satisfies Record<keyof Finding, z.ZodType>;

const activity = {
  target: z.string(),
  records: z.array(z.int()).readonly().describe(`How many records each part of the time has: there are ${activityParts} parts.`),
  verdicts: z.string().describe('What matters most in each part of the time, a character each: `.` no record, `a` allowed, `h` held, `d` denied or an alert.'),
} satisfies Record<keyof TargetActivity, z.ZodType>;

const overview = {
  ...summary,
  title: z.string().nullable().describe('The beginning of the first prompt or statement. Null if there is none, or content is not to be shown.'),
  durationMs: z.int().describe('From the beginning to the end, or to now.'),
  counts: z.record(z.string(), z.int()).describe('How many records there are of each kind, also in the words of queries: `prompt`, `statement`, `rows`.'),
  onBehalfOf: z.array(z.string()).readonly().describe('The principals for whom it acted.'),
  classes: z.array(z.string()).readonly().describe('The data classes of values in it.'),
  risk: z.object(risk),
  findings: z.array(z.object(finding).meta({ id: 'Finding' })).readonly(),
  activity: z
    .array(z.object(activity).meta({ id: 'TargetActivity', description: 'How a target was used over the time of a session.' }))
    .readonly()
    .optional()
    .describe('How its targets were used over its time. Only for who asks for `activity`.'),
  unindexed: z.int().describe('How many of its records are not in the index of records yet, so that all of this lacks them.'),
} satisfies Record<keyof SessionOverview, z.ZodType>;

export const sessionOverview = z.object(overview).meta({ id: 'SessionOverview', description: 'A session as people see it. Times are in UTC.' });

/** A session in the answer to the question which sessions have ids that begin so. */
export const sessionSummary = z.object(summary).meta({ id: 'SessionSummary', description: 'A session. Times are in UTC.' });
