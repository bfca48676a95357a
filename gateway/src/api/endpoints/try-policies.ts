import { createHash } from 'node:crypto';
import { z } from 'zod';
import { sightOf } from '../../access/rights.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { SessionSummary } from '../../feed/shown-record.ts';
import type { ChangedVerdict, TrialProgress } from '../../policy/candidate.ts';
import { isEverything, type Query } from '../../query/query.ts';
import { lines } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { changedFiles, filesBytesMax, type TriedSession } from '../policy-desk.ts';
import { recordAccess } from '../recorded-acts.ts';

const dayMs = 86_400_000;

const changedVerdict = z
  .object({
    principal: z.string(),
    target: z.string(),
    action: z.string(),
    was: z.string(),
    would: z.string(),
    policies: z.array(z.string()).readonly().describe('Those that would determine the verdict.'),
    reason: z.string(),
    requests: z.int().describe('How many requests there are so far. A later line of the same group has more.'),
    record: z.string().describe('`LOG/INDEX` of the newest of them.'),
    time: z.string().describe('Its time, ISO 8601 in UTC.'),
  } satisfies Record<keyof ChangedVerdict, z.ZodType>)
  .meta({ id: 'ChangedVerdict', description: 'Requests of a principal to a target that would have been decided otherwise in the same way.' });

const progress = z
  .object({
    sessions: z.int(),
    requests: z.int(),
    changed: z.int(),
    undecided: z
      .array(z.object({ why: z.string(), requests: z.int(), record: z.string() }))
      .readonly()
      .describe('Requests that cannot be decided again, by the reason, with the last of them.'),
    isWhole: z.boolean().describe('False: the trial goes on.'),
  } satisfies Record<keyof TrialProgress, z.ZodType>)
  .meta({ id: 'TrialProgress', description: 'How far a trial of policies is.' });

type Parts = Pick<ApiParts, 'policyDesk' | 'reader' | 'recorder'>;

export const tryPolicies = endpoint({
  id: 'tryPolicies',
  method: 'POST',
  path: '/api/v1/policy/try',
  summary: 'Says which recorded requests would have been decided otherwise by policies as they would be with other files. This is recorded as a reading.',
  description: 'The newest sessions come first, and only records that the caller may read are decided again.',
  body: jsonBody(
    z.strictObject({ files: changedFiles, days: z.int().min(1).max(3660).default(90).describe('Only sessions that were opened in the last so many days.') }),
    filesBytesMax,
  ),
  answer: lines(z.union([z.object({ changed: changedVerdict }), z.object({ progress })])),
  errors: ['config_invalid', 'not_found', 'catching_up', 'store_damaged', 'deadline_exceeded'],
  act: async function* ({ policyDesk, reader, recorder }: Parts, { caller, body: { files, days }, signal }) {
    const sight = sightOf(caller.rights, 'facts');
    const candidate = createHash('sha256').update(JSON.stringify(files)).digest('hex');
    await recordAccess(recorder, caller, { what: 'try_policies', act: 'facts', session: null, more: { days, candidate } });
    const isPartial = !isEverything(sight.facts) || !isEverything(sight.content);
    const sessions = async function* (): AsyncGenerator<TriedSession> {
      for await (const session of openedSince(reader, Date.now() - days * dayMs, sight.facts)) {
        const found = await reader.find(session, sight.facts).catch((error: unknown) => {
          if (error instanceof GatewayError && error.code === 'not_found') {
            return null;
          }
          throw error;
        });
        if (found !== null) {
          yield { records: reader.show(found, null, sight) };
        }
      }
    };
    for await (const { groups, progress: now } of policyDesk.tryOut(files, sessions(), { isPartial, signal })) {
      yield Buffer.from([...groups.map((changed) => ({ changed })), { progress: now }].map((line) => `${JSON.stringify(line)}\n`).join(''));
    }
  },
});

/** Yields the ids of sessions with records that are seen, the newest first, that were opened from a time on. */
async function* openedSince(reader: ApiParts['reader'], fromMs: number, seen: Query): AsyncGenerator<string> {
  for await (const piece of reader.list({ which: 'clients', order: 'newest' }, seen)) {
    for (const line of Buffer.from(piece).toString().split('\n')) {
      const summary: SessionSummary | null = line === '' ? null : JSON.parse(line);
      if (summary !== null && Date.parse(summary.opened) < fromMs) {
        return;
      }
      if (summary !== null) {
        yield summary.session;
      }
    }
  }
}
