import { z } from 'zod';
import { frames, type Sight } from '../access/rights.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { either, type Query } from '../query/query.ts';
import { reviewAction, type Reviews } from '../search/reviews.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { Caller } from './caller.ts';
import { wholeNumber } from './input.ts';
import type { ApiParts } from './parts.ts';
import { hasAny, openReading } from './readings.ts';

const thresholdDefault = 30;
const sinceDefault = '30d';
const lengthMax = 4096;

/** The query parameters that say which sessions are to be reviewed. */
export const reviewable = {
  since: z.string().max(lengthMax).default(sinceDefault).describe('The sessions that began from this time on, or are of this age: `2026-11-29`, `90d`.'),
  threshold: wholeNumber('a number from 0 to 100 is expected', { max: 100 })
    .default(thresholdDefault)
    .describe('The lowest risk of a session that is to be reviewed.'),
};

interface Reviewable {
  readonly since: string;
  readonly threshold: number;
}

type Parts = Pick<ApiParts, 'reader' | 'recorder'>;

export async function findReviews({ reader, recorder }: Parts, { since, threshold }: Reviewable, sight: Sight): Promise<Reviews> {
  return reader.reviews({ began: [`since:${since}`], nowMs: Date.now(), threshold, sight, checkpoint: await recorder.publish() });
}

/**
 * Records that a person has reviewed a session. Rejects with GatewayError `refused` if the caller is no person, may not read the content of all of it, or the session is one of its own, `conflict` if the session has not ended,
 * `not_found`.
 */
export async function recordReview(parts: Parts, caller: Caller, { session, note }: { readonly session: string; readonly note: string }): Promise<void> {
  if (caller.standing !== null && caller.standing.principal.kind !== 'human') {
    throw new GatewayError('refused', 'Only a person reviews a session.');
  }
  const { found } = await openReading(parts, caller, { act: 'facts', what: 'review', session });
  if (found.closedMs === null) {
    throw new GatewayError('conflict', 'The session has not ended: it can be reviewed when nothing more can happen in it.');
  }
  if (!(await parts.reader.covers(session, either([caller.contentOfTwo, frames])))) {
    throw new GatewayError('refused', 'Who may not read the content of the whole session does not review it.');
  }
  if (await hasAny(parts, session, partOf(caller))) {
    throw new GatewayError(
      'refused',
      'Nobody reviews a session in which he, or whom he acts for, acted, in which somebody acted on their behalf, or that they opened: somebody else must.',
    );
  }
  await recordOwnDecision(parts.recorder, {
    action: reviewAction,
    verdict: 'allow',
    reason: note,
    attributes: {
      'user.id': caller.id,
      'client.address': caller.address,
      [ownAttributes.reviewSession]: found.session,
      [ownAttributes.reviewRecords]: found.records,
    },
  });
}

/** The records that show that somebody, or for whom they act, has a part in a session. */
function partOf({ id, onBehalfOf }: Caller): Query {
  return either(
    [id, ...(onBehalfOf === null ? [] : [onBehalfOf])].flatMap((value) =>
      ['principal', 'on-behalf-of', ownAttributes.openedBy].map((field) => ({ is: 'term', field, test: { by: 'equal', value } }) as const),
    ),
  );
}
