import { sideBySide, type SideBySide } from '../comparison/side-by-side.ts';
import { readSteps, type Step } from '../comparison/steps.ts';
import type { IndexedSession } from '../feed/session-index.ts';
import type { AnswerParts } from './answer.ts';
import type { Question } from './questions.ts';
import { viewOf } from './view-of.ts';

/** Most requests of one session: the comparison is held in memory. */
const stepsMax = 10_000;

/** Compares the records that are seen of two sessions. Also rejects with GatewayError `limit_exceeded`. */
export async function* compareIn(
  parts: Pick<AnswerParts, 'openSearch' | 'recordings'>,
  { a, b, sight }: Extract<Question, { readonly ask: 'compare' }>,
): AsyncGenerator<SideBySide> {
  const read = async (found: IndexedSession): Promise<readonly Step[]> =>
    readSteps(parts.recordings.show(found, null, await viewOf(parts, { sight, hasTables: false })), stepsMax);
  yield* sideBySide(await read(a), await read(b));
}
