import { GatewayError } from '../../domain/errors.ts';
import { get } from '../endpoint.ts';

/** How a client connects to a target: at the gateway, or at a local port of its own (`?port=`) that leads there. */
export const showConnection = get('/api/targets/:target/connection', ({ api, param, query }) => {
  const port = query.get('port');
  if (port !== null && !/^[1-9]\d{0,4}$/.test(port)) {
    throw new GatewayError('malformed', 'port: a number is expected.');
  }
  return Response.json(api.connection(param('target'), port === null ? null : Number(port)));
});
