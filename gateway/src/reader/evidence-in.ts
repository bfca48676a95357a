import { openLog } from '../feed/evidence.ts';
import { makeEvidence } from '../feed/evidence-archive.ts';
import type { AnswerParts } from './answer.ts';
import type { WantedEvidence } from './questions.ts';

/** The records that say how long is kept what, what is held, and what was erased. They are in evidence beside the sessions. */
const governanceKinds = ['keep', 'hold', 'erasure'];
const governanceMax = 10_000;

/** Yields the lines of evidence. Throws as `makeEvidence` does. */
export async function* evidenceIn(
  { data, keys, recordings, openSearch }: Pick<AnswerParts, 'data' | 'keys' | 'recordings' | 'openSearch'>,
  { sessions, header, hiding, checkpoint }: WantedEvidence,
): AsyncGenerator<string> {
  const search = await openSearch();
  yield* makeEvidence(await openLog(data), keys, {
    header,
    checkpoint,
    sessions: sessions.map((found) => recordings.extentOf(found)),
    governance: await search.governance(governanceKinds, { before: checkpoint.size, limit: governanceMax }),
    findPolicy: async (version) => recordings.findPolicy(version),
    findHidden: async (extent) => search.hiddenBodies(extent, hiding),
  });
}
