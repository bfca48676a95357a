import { z } from 'zod';
import { printLastDay } from '../../recording/retention.ts';
import { keptUnder } from '../../retention/retention-plan.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { keptFor, lastDay, secretCounts } from '../kept-times.ts';
import type { ApiParts } from '../parts.ts';

const keptClass = z
  .object({
    class: z.int().describe('The number that leaves name.'),
    query: z.string().nullable().describe('The query of the rule; null: the default, or a class that is not in force.'),
    inForce: z.boolean().describe('False: nothing more is recorded under it by a rule. It is that of a rule of before, or of a hold.'),
    known: z
      .enum(['when recorded', 'later'])
      .nullable()
      .describe(
        '`later`: whether the rule holds is known only once something is recorded, so it lengthens before a key is destroyed. Null: it is not in force.',
      ),
    keeps: z.object(keptFor).nullable().describe('For how long it keeps; null: it is not in force.'),
    kept: z.object({
      ...secretCounts,
      firstDay: lastDay.describe('The last day of what goes first; null: there is nothing, or it never goes.'),
      lastDay: lastDay.describe('The last day of what goes last.'),
      isForEver: z.boolean().describe('True: some of it never goes by itself.'),
    }),
  })
  .meta({ id: 'KeepingClass', description: 'A class of keeping, and how much is kept under it.' });

/** A class of keeping, and how much is kept under it. */
export type ShownKeepingClass = z.output<typeof keptClass>;

export const showRetention = endpoint({
  id: 'showRetention',
  method: 'GET',
  path: '/api/v1/retention',
  summary: 'Lists the classes of keeping: for how long what is recorded is kept by each, and how much is.',
  callers: 'auditors',
  answer: json(z.array(keptClass)),
  errors: ['catching_up', 'store_damaged'],
  act: async ({ keeping, reader, keys }: Pick<ApiParts, 'keeping' | 'reader' | 'keys'>) =>
    keptUnder(keeping.classes, keys.withoutSpares(await reader.keptSecrets())).map(({ class: number, rule, firstDay, lastDay: last, ...counts }) => ({
      class: number,
      query: rule?.query ?? null,
      inForce: rule !== null,
      known: rule?.known ?? null,
      keeps: rule === null ? null : { content: rule.content, facts: rule.facts, floor: rule.floor },
      kept: { ...counts, firstDay: printLastDay(firstDay), lastDay: printLastDay(last) },
    })),
});
