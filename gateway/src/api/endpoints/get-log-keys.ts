import { GatewayError } from '../../domain/errors.ts';
import { readLogFile } from '../../feed/evidence.ts';
import { file } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const getLogKeys = endpoint({
  id: 'getLogKeys',
  method: 'GET',
  path: '/log/keys',
  summary: 'Returns the keyring of the log, if its key was rotated: whoever has one of its keys finds the others in it, and from which size each signs.',
  callers: 'everybody',
  answer: file,
  errors: ['not_found'],
  act: async ({ data }: Pick<ApiParts, 'data'>) => {
    const content = await readLogFile(data, 'keys');
    if (content === null) {
      throw new GatewayError('not_found', 'The log has no keyring: its key was never rotated, and is in /log/key.');
    }
    return { content, isText: true };
  },
});
