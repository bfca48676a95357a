import { z } from 'zod';
import type { ArchiveState } from '../../archive/archive-state.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

const storage = {
  bucket: z.string().describe('The bucket, and what the names in it begin with.'),
  kept: z.int().describe('The bucket has the segments of the journal up to this one.'),
  dropped: z.int().describe('The segments up to this one are only in the bucket.'),
  behindSegments: z.int().describe('How many complete segments are not in the bucket yet.'),
  behindBytes: z.int().describe('How many bytes they have.'),
  behindSince: z.iso.datetime().nullable().describe('Since when the bucket has been behind. Null: it is not.'),
  failure: z.string().nullable().describe('Why the last attempt failed. Null: it did not.'),
};

const shownStorage = z.object(storage).meta({ id: 'Storage' });
export type ShownStorage = z.output<typeof shownStorage>;

export const showStorage = endpoint({
  id: 'showStorage',
  method: 'GET',
  path: '/api/v1/storage',
  summary: 'Says how far the bucket has what is recorded; null: there is none, or nobody has looked since the start.',
  callers: 'auditors',
  answer: json(shownStorage.nullable()),
  act: ({ archiveState }: Pick<ApiParts, 'archiveState'>) => {
    const state = archiveState();
    return state === null ? null : shown(state);
  },
});

function shown({ behindSinceMs, ...state }: ArchiveState): ShownStorage {
  return { ...state, behindSince: behindSinceMs === null ? null : new Date(behindSinceMs).toISOString() };
}
