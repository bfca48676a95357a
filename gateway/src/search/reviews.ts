import type { Sight } from '../access/rights.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import type { Review, ReviewCoverage, ReviewedSession, ReviewSuggestion } from './found.ts';
import type { RecordSearch } from './record-search.ts';

/** The action of the record of a review. Which sessions were reviewed is known from these records alone. */
export const reviewAction = 'gateway.review_session';

/** The action of the record of a model's suggestion. */
export const suggestAction = 'gateway.suggest_review';

/** The sessions to review. */
export interface WantedReviews {
  /** Conditions on the times at which the sessions began, in the language of queries. */
  readonly began: readonly string[];
  /** The time from which ages count, in ms since 1970. */
  readonly nowMs: number;
  /** The lowest risk of a session that is to be reviewed. */
  readonly threshold: number;
  /** The sessions and contents that whoever asks may see. */
  readonly sight: Sight;
  /** The checkpoint under which the records of reviews must be in the log. */
  readonly checkpoint: PublishedCheckpoint;
}

export interface Reviews {
  /** The sessions that have ended and are to be reviewed, those with the greatest risk first. */
  readonly sessions: readonly ReviewedSession[];
  readonly coverage: ReviewCoverage;
}

/** Finds the sessions that are to be reviewed, each with its newest review. Rejects as a search does. */
export async function findReviews(search: RecordSearch, wanted: WantedReviews): Promise<Reviews> {
  const { began, nowMs, threshold, sight } = wanted;
  const reviews = await reviewsOf(search, wanted);
  const suggestions = await suggestionsOf(search, wanted);
  const sessions: ReviewedSession[] = [];
  let ended = 0;
  for await (const session of search.sessions({ which: 'clients', query: null, began, nowMs, sight })) {
    ended += session.closed === null ? 0 : 1;
    if (session.closed !== null && session.risk.score >= threshold) {
      sessions.push({ ...session, suggestion: suggestions.get(session.session) ?? null, review: reviews.get(session.session) ?? null });
    }
  }
  return {
    sessions: sessions.toSorted((a, b) => b.risk.score - a.risk.score),
    coverage: { threshold, ended, toReview: sessions.length, reviewed: sessions.filter(({ review }) => review !== null).length },
  };
}

/** The newest review of each session, by its id. Each is read from its record; no client can cause one with this action. */
async function reviewsOf(search: RecordSearch, wanted: WantedReviews): Promise<ReadonlyMap<string, Review>> {
  const reviews = new Map<string, Review>();
  for await (const { attributes, time, record } of search.verified(`action:${reviewAction}`, wanted)) {
    const { [ownAttributes.reviewSession]: session, [ownAttributes.reason]: note, 'user.id': by } = attributes;
    if (typeof session === 'string' && !reviews.has(session)) {
      reviews.set(session, { by: String(by), note: String(note), time, record });
    }
  }
  return reviews;
}

/** The newest suggestion about each session, by its id. */
async function suggestionsOf(search: RecordSearch, wanted: WantedReviews): Promise<ReadonlyMap<string, ReviewSuggestion>> {
  const suggestions = new Map<string, ReviewSuggestion>();
  for await (const { attributes, time, record } of search.verified(`action:${suggestAction}`, wanted)) {
    const { [ownAttributes.reviewSession]: session, [ownAttributes.reviewFound]: found, 'gen_ai.request.model': model } = attributes;
    if (typeof session === 'string' && !suggestions.has(session)) {
      const [risk, asked] = [ownAttributes.reviewRisk, ownAttributes.reviewAsked].map((name) => String(attributes[name]));
      const records = (Array.isArray(found) ? found : []).map(Number);
      suggestions.set(session, { model: String(model), risk: risk ?? '', records, asked: asked ?? '', time, record });
    }
  }
  return suggestions;
}
