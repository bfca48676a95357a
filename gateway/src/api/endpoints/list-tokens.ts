import { get } from '../endpoint.ts';
import { summarizeToken } from '../token-summary.ts';

export const listTokens = get('/api/tokens', async ({ api }) => Response.json((await api.listTokens()).map(summarizeToken)));
