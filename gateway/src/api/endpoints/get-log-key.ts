import { GatewayError } from '../../domain/errors.ts';
import { readLogFile } from '../../feed/evidence.ts';
import { file } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const getLogKey = endpoint({
  id: 'getLogKey',
  method: 'GET',
  path: '/log/key',
  summary: 'Returns the public key of the log, with which everybody who reads a record can check its receipt.',
  callers: 'everybody',
  answer: file,
  errors: ['not_found'],
  act: async ({ data }: Pick<ApiParts, 'data'>) => {
    const content = await readLogFile(data, 'key');
    if (content === null) {
      throw new GatewayError('not_found', 'The log has no such file.');
    }
    return { content, isText: true };
  },
});
