import { z } from 'zod';
import { runRetentionAction } from '../../retention/retention-run.ts';
import { printDay, readDay } from '../../recording/retention.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { recordAct } from '../recorded-acts.ts';

const day = z.iso.date();

const finishedRun = z
  .object({
    today: day.describe('The day in UTC by the clock of the gateway. What was kept until an earlier day has expired.'),
    destroyed: z
      .array(z.object({ class: z.int().describe('The class of keeping.'), day: day.describe('The last day for which it was kept.') }))
      .readonly()
      .describe('The keys that were destroyed. Nothing that was sealed under one of them can be read by anybody.'),
  })
  .meta({ id: 'RetentionRun', description: 'What has expired and was deleted.' });

/** The answer to a run of retention. */
export type FinishedRetentionRun = z.output<typeof finishedRun>;

export const runRetention = endpoint({
  id: 'runRetention',
  method: 'POST',
  path: '/api/v1/retention/run',
  summary: 'Deletes what has expired, as the gateway does once a day by itself.',
  description:
    'What will be deleted is recorded and signed before it is. If the clock is more than a week ahead of the last day that is known, nothing is deleted unless `today` says what day it is.',
  body: jsonBody(z.strictObject({ today: day.nullable().default(null).describe('What day it is in UTC, if the clock alone is not believed.') })),
  answer: json(finishedRun),
  errors: ['conflict', 'catching_up'],
  act: async ({ retention, recorder }: Pick<ApiParts, 'retention' | 'recorder'>, { caller, body }) => {
    await recordAct(recorder, caller, runRetentionAction, 'what has expired is deleted');
    const why = { by: caller.id, address: caller.address, reason: 'a run that was asked for' };
    const run = await retention.run(why, body.today === null ? null : readDay(body.today));
    return { today: printDay(run.day), destroyed: run.keys.map((key) => ({ class: key.class, day: printDay(key.day) })) };
  },
});
