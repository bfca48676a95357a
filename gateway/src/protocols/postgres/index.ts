import type { StreamProtocol } from '../../domain/stream-protocol.ts';
import { actions } from './actions.ts';
import { context } from './policy-context.ts';
import { postgresOptions, tlsMode } from './options.ts';
import { render } from './render.ts';
import { replay } from './replay.ts';

export const postgres: StreamProtocol = {
  id: 'postgres',
  title: 'PostgreSQL',
  transport: 'stream',
  valuePlaces: 'columns',
  schemes: { postgres: 5432, postgresql: 5432 },
  actions,
  context,
  readExample: async (text) => (await import('./read-example.ts')).readExample(text),
  options: postgresOptions,
  fileOptions: ['sslrootcert'],
  inEffect: (target) => ({ ...target.options, sslmode: tlsMode(target) }),
  connection: ({ host, port, target, token }) => ({
    url: `postgres://agent:${encodeURIComponent(token)}@${host.includes(':') ? `[${host}]` : host}:${port}/${encodeURIComponent(target)}`,
    environment: { PGHOST: host, PGPORT: String(port), PGUSER: 'agent', PGPASSWORD: token, PGDATABASE: target },
    command: `psql -h ${host} -p ${port} -U agent -d ${target}`,
  }),
  create: async () => (await import('./service.ts')).createService(),
  render,
  replay,
};
