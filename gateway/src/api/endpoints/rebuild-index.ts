import { z } from 'zod';
import { post } from '../endpoint.ts';

/** Answers when it is done. */
export const rebuildIndex = post('/api/index/rebuild', z.object({}), async ({ api, caller }) => Response.json(await api.rebuildIndex(caller)));
