import type { StreamProtocol } from '../../domain/stream-protocol.ts';
import { actions, context } from './actions.ts';
import { redisOptions } from './options.ts';
import { render } from './render.ts';
import { replay } from './replay.ts';

export const redis: StreamProtocol = {
  id: 'redis',
  title: 'Redis',
  transport: 'stream',
  valuePlaces: 'fields',
  schemes: { redis: 6379, rediss: 6379 },
  actions,
  context,
  readExample: async (text) => (await import('./actions.ts')).exampleAttributes(text),
  options: redisOptions,
  fileOptions: ['caFile'],
  connection: ({ host, port, target, token, tls }) => {
    const url = `${tls ? 'rediss' : 'redis'}://${encodeURIComponent(target)}:${encodeURIComponent(token)}@${host.includes(':') ? `[${host}]` : host}:${port}/0`;
    return {
      url,
      environment: { REDISCLI_AUTH: token, REDIS_URL: url },
      command: `redis-cli --user ${target} -h ${host} -p ${port}${tls ? ' --tls' : ''}`,
    };
  },
  create: async () => (await import('./service.ts')).createService(),
  render,
  replay,
};
