import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { readLogFile } from '../../feed/evidence.ts';
import { file } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const getLogFile = endpoint({
  id: 'getLogFile',
  method: 'GET',
  path: '/log/:path{.+}',
  summary: 'Returns a file of the public log: `checkpoint` and `tile/...` as in C2SP tlog-tiles.',
  callers: 'auditors',
  params: { path: z.string() },
  answer: file,
  errors: ['not_found'],
  act: async ({ data }: Pick<ApiParts, 'data'>, { params: { path } }) => {
    const content = await readLogFile(data, path);
    if (content === null) {
      throw new GatewayError('not_found', 'The log has no such file.');
    }
    return { content, isText: !path.startsWith('tile/') };
  },
});
