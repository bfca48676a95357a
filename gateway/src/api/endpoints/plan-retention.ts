import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { dayOf, printDay, printLastDay, readDay } from '../../recording/retention.ts';
import { plannedChanges, plannedErasures } from '../../retention/retention-plan.ts';
import { faultsOfRetention, RetentionRules } from '../../retention/retention-rules.ts';
import { json } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import { day, keptFor, lastDay, secretCounts, sentSettings } from '../kept-times.ts';
import type { ApiParts } from '../parts.ts';

const bodyBytesMax = 1024 * 1024;

const plan = z
  .object({
    at: day.describe('The day of the run, in UTC.'),
    erases: z
      .array(
        z.object({
          class: z.int(),
          query: z.string().nullable().describe('The query of its rule; null: the default, or a class that is not in force.'),
          day: day.describe('The last day for which it was to be kept.'),
          ...secretCounts,
          stays: z
            .array(z.object({ class: z.int(), day: lastDay.describe('Null: it has no last day, as that of a hold.'), ...secretCounts }))
            .readonly()
            .describe('Those that stay all the same, because they are kept under another class or day too.'),
        }),
      )
      .readonly()
      .describe('The classes and days whose keys the run would destroy, by what is known now.'),
    asked: z
      .array(z.string())
      .readonly()
      .describe('The rules that are asked before, because they can be answered only by what is recorded. What they hold for is kept longer.'),
    changes: z
      .array(
        z.object({
          query: z.string().nullable().describe('Null: the default.'),
          before: z.object(keptFor).nullable().describe('As it is in force; null: there is no such rule.'),
          after: z.object(keptFor).nullable().describe('As it would be; null: there would be no such rule.'),
          known: z.enum(['when recorded', 'later']),
          sealedDays: z.int().describe('How many days are recorded already under the class, and keep the day that they have.'),
        }),
      )
      .readonly()
      .nullable()
      .describe('How `settings` differ from those in force; null: none were sent.'),
  })
  .meta({ id: 'RetentionPlan', description: 'What a run of retention on a day would destroy, and what other settings would change.' });

/** The keys that a run of retention would destroy, and how other settings would change the classes. */
export type RetentionPlan = z.output<typeof plan>;

export const planRetention = endpoint({
  id: 'planRetention',
  method: 'POST',
  path: '/api/v1/retention/plan',
  summary: 'Says what a run of retention on a day would destroy, and what other settings would change. Nothing is destroyed or changed.',
  body: jsonBody(
    z.strictObject({
      at: day.optional().describe('The day of the run, in UTC; absent: today.'),
      settings: sentSettings.optional().describe('Settings to compare with those in force.'),
    }),
    bodyBytesMax,
  ),
  callers: 'auditors',
  answer: json(plan),
  errors: ['catching_up', 'store_damaged'],
  act: async ({ keeping, reader, keys }: Pick<ApiParts, 'keeping' | 'reader' | 'keys'>, { body: { at, settings } }) => {
    const [fault] = settings === undefined ? [] : faultsOfRetention(settings);
    if (fault !== undefined) {
      throw new GatewayError('malformed', `settings: ${fault.rule === null ? 'default' : `rule ${fault.rule + 1}`}: ${fault.at}: ${fault.message}`);
    }
    const on = at === undefined ? dayOf(Date.now()) : readDay(at);
    const { classes } = keeping;
    const kept = keys.withoutSpares(await reader.keptSecrets());
    return {
      at: printDay(on),
      erases: plannedErasures(kept, on).map(({ stays, ...erased }) => ({
        ...erased,
        query: classes.find((each) => each.class === erased.class)?.query ?? null,
        day: printDay(erased.day),
        stays: stays.map((each) => ({ ...each, day: printLastDay(each.day) })),
      })),
      asked: classes.flatMap(({ query, known }) => (query !== null && known === 'later' ? [query] : [])),
      // Nothing is recorded under the settings that were sent, so their classes need no numbers.
      changes: settings === undefined ? null : plannedChanges(classes, new RetentionRules(settings, () => 0).classes, kept),
    };
  },
});
