import type { StreamProtocol } from '../../domain/stream-protocol.ts';
import { actions, context } from './actions.ts';
import { connection } from './connection.ts';
import { sshOptions } from './options.ts';
import { render } from './render.ts';
import { replay } from './replay.ts';

export const ssh: StreamProtocol = {
  id: 'ssh',
  title: 'SSH',
  transport: 'stream',
  valuePlaces: 'fields',
  isEncrypted: true,
  schemes: { ssh: 22 },
  actions,
  context,
  readExample: async (text) => (await import('./actions.ts')).commandAttributes(text),
  options: sshOptions,
  connection,
  create: async (parts) => (await import('./service.ts')).createService(parts),
  render,
  replay,
};
