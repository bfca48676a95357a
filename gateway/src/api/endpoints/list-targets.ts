import { get } from '../endpoint.ts';

export const listTargets = get('/api/targets', ({ api }) => Response.json(api.listTargets()));
