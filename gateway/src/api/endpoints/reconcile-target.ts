import { z } from 'zod';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { targetName } from '../input.ts';
import type { ApiParts } from '../parts.ts';

const difference = z.object({
  text: z.string().describe('What the count is of, as the target says. Empty: the target does not count it.'),
  counted: z.int().describe('How often the target says that it was done since the reading before.'),
  recorded: z.int().describe('How often it was recorded.'),
  maybe: z.int().describe('How often more it may have been done: it failed, or had no answer yet.'),
});

const reconciled = z
  .object({
    target: z.string(),
    state: z
      .enum(['not counted', 'base line', 'not comparable', 'agrees', 'differs'])
      .describe(
        '`not counted`: how targets of this protocol count is not known. `base line`: there was no reading before. `not comparable`: the target forgot some of its counts, so this is a new base line.',
      ),
    since: z.iso.datetime().nullable().describe('When the reading before was made. Null: there was none.'),
    comparison: z
      .object({
        counted: z.int().describe('How many acts the target counted since then.'),
        recorded: z.int(),
        maybe: z.int(),
        unnamed: z.int().describe('How many recorded acts there are of which it is not known under which name the target counts them.'),
        differences: z.array(difference).readonly(),
        more: z.int().describe('How many further differences there are.'),
      })
      .nullable()
      .describe('Null: nothing was compared.'),
  })
  .meta({ id: 'Reconciliation', description: 'What a target counts itself, compared with what is recorded.' });

export type ReconciledTarget = z.output<typeof reconciled>;

export const reconcileTarget = endpoint({
  id: 'reconcileTarget',
  method: 'POST',
  path: '/api/v1/targets/:target/reconcile',
  summary: 'Compares what a target counts itself with what is recorded, since the last time. What came of it is recorded.',
  callers: 'auditors',
  params: { target: targetName },
  answer: json(reconciled),
  errors: [
    'unknown_target',
    'unsupported',
    'target_unreachable',
    'target_login_failed',
    'target_tls_failed',
    'target_refused_credential',
    'catching_up',
    'limit_exceeded',
  ],
  act: async ({ reconciler }: Pick<ApiParts, 'reconciler'>, { caller: { id, address }, params }): Promise<ReconciledTarget> => {
    const { target, state, sinceMs, comparison } = await reconciler.reconcile(params.target, { id, address });
    return {
      target,
      state,
      since: sinceMs === null ? null : new Date(sinceMs).toISOString(),
      comparison:
        comparison === null
          ? null
          : { ...comparison, differences: comparison.differences.map(({ text, counted, recorded, maybe }) => ({ text, counted, recorded, maybe })) },
    };
  },
});
