import { get } from '../endpoint.ts';

export const listPrincipals = get('/api/principals', ({ api }) => Response.json(api.listPrincipals()));
