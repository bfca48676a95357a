import { z } from 'zod';
import { json } from '../answer.ts';
import { connectionOf, type ConnectionParts } from '../connection.ts';
import { endpoint } from '../endpoint.ts';
import { wholeNumber } from '../input.ts';

export const showConnection = endpoint({
  id: 'showConnection',
  method: 'GET',
  path: '/api/v1/targets/:target/connection',
  summary: 'Says how a client connects to a target. The token itself is left out.',
  params: { target: z.string() },
  query: {
    port: wholeNumber('a number is expected', { min: 1, max: 99_999 }).optional().describe("A port of the client's own machine that leads to the target."),
  },
  answer: json(
    z
      .object({
        url: z.string(),
        environment: z.record(z.string(), z.string()).describe('The environment variables that common clients read, for instance PGHOST.'),
        command: z.string().describe('A command to type, without the token.'),
      })
      .meta({ id: 'ConnectionInstructions' }),
  ),
  errors: ['unknown_target'],
  act: (parts: ConnectionParts, { params, query }) => {
    const { url, environment, command } = connectionOf(parts, { target: params.target, token: 'TOKEN', localPort: query.port });
    return { url, environment, command };
  },
});
