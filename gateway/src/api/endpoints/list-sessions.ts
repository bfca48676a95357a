import { GatewayError } from '../../domain/errors.ts';
import { get } from '../endpoint.ts';
import { ndjson } from '../stream.ts';

/** Oldest first. `?all`: the gateway's own among them. `?after=SESSION`: those that began behind it. `?limit=N`: at most so many. */
export const listSessions = get('/api/sessions', async (call) => {
  const { api, query } = call;
  const after = query.get('after');
  const limit = query.get('limit');
  if (limit !== null && !/^[1-9]\d{0,8}$/.test(limit)) {
    throw new GatewayError('malformed', 'limit is a number of sessions, from 1 on.');
  }
  return ndjson(
    api.listSessions({
      which: query.has('all') ? 'all' : 'clients',
      ...(after === null ? {} : { after }),
      ...(limit === null ? {} : { limit: Number(limit) }),
    }),
    call,
  );
});
