import type { StreamProtocol } from '../../domain/stream-protocol.ts';
import { actions, context } from './actions.ts';
import { connection } from './connection.ts';
import { mysqlOptions, tlsMode } from './options.ts';
import { render } from './render.ts';
import { replay } from './replay.ts';

export const mysql: StreamProtocol = {
  id: 'mysql',
  title: 'MySQL and MariaDB',
  transport: 'stream',
  valuePlaces: 'columns',
  schemes: { mysql: 3306, mariadb: 3306 },
  actions,
  context,
  readExample: async (text) => (await import('./read-example.ts')).readExample(text),
  options: mysqlOptions,
  fileOptions: ['caFile', 'publicKeyFile'],
  inEffect: (target) => ({ ...target.options, tls: tlsMode(target) }),
  connection,
  create: async () => (await import('./service.ts')).createService(),
  render,
  replay,
};
