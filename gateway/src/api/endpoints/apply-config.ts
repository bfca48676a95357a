import { post } from '../endpoint.ts';
import { configBody } from '../schemas.ts';

export const applyConfig = post('/api/config/apply', configBody, async ({ api, caller }, { force }) => Response.json(await api.applyConfig(force, caller)));
