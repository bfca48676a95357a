import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import type { Protocol } from '../../domain/protocol.ts';
import type { StreamProtocol } from '../../domain/stream-protocol.ts';

/** A protocol as the configuration sees one. It has the options `tls` and `ca`, a file, and no other. */
const alpha: StreamProtocol = {
  id: 'alpha',
  title: 'Alpha',
  transport: 'stream',
  valuePlaces: 'columns',
  schemes: { alpha: 1111, alphas: 1111 },
  actions: [],
  context: [],
  options: z.strictObject({ tls: z.string().default('off'), ca: z.string().optional() }),
  fileOptions: ['ca'],
  connection: ({ host, port, target, token }) => ({ url: `alpha://${token}@${host}:${port}/${target}`, environment: {}, command: 'alpha' }),
  create: async () => Promise.resolve({ serve: async () => Promise.resolve() }),
  render: () => ({ mediaType: 'text/plain', text: '', attributes: {} }),
  replay: {
    keys: () => () => null,
    differ: () => null,
    connect: () => {
      throw new GatewayError('unsupported', 'Nothing is recorded of it.');
    },
  },
};

export const protocols: readonly Protocol[] = [
  alpha,
  { ...alpha, id: 'beta', title: 'Beta', schemes: { beta: 2222 }, valuePlaces: 'fields', takesCommand: true },
];
