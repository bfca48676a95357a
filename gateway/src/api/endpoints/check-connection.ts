import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { admit } from '../../sessions/admit.ts';
import { attempt } from '../../sessions/attempt.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { connectionOf, type ConnectionParts } from '../connection.ts';
import type { ApiParts } from '../parts.ts';

const reachedTarget = z
  .object({
    protocol: z.string(),
    transport: z.enum(['stream', 'exchange']).describe('`stream`: the protocol has a listener of its own. `exchange`: it uses HTTP.'),
    inRun: z.string().nullable().describe('A command for within `countersign run`, which writes the files that it needs; null if a token is enough.'),
  })
  .meta({ id: 'ReachedTarget', description: 'A target that the token reaches.' });

export type ReachedTarget = z.output<typeof reachedTarget>;

/** `connect` and the bridges ask this before they report that they are ready. Refusals are recorded with address and reason. */
export const checkConnection = endpoint({
  id: 'checkConnection',
  method: 'GET',
  path: '/api/v1/connect/:target',
  summary: 'Says whether the token of the caller reaches a target.',
  description: 'With `Upgrade: countersign-tunnel`, and if the token reaches the target, the connection continues as one to the target, in its protocol.',
  callers: 'everybody',
  params: { target: z.string() },
  answer: json(reachedTarget),
  errors: ['unknown_target'],
  act: async (parts: Pick<ApiParts, 'policy' | 'refusals'> & ConnectionParts, { caller: { id, identity, address }, params }) => {
    const { policy, targets, findProtocol, refusals } = parts;
    if (identity === undefined) {
      throw new GatewayError('refused', "The operator's credential reaches no target: give a principal's token in COUNTERSIGN_TOKEN, or --as PRINCIPAL.");
    }
    const { target } = await attempt(
      refusals,
      { address, protocol: 'api', principal: id, attributes: { [ownAttributes.target]: params.target.slice(0, 256) } },
      () => admit({ policy, findTarget: (name) => targets().get(name) }, { identity, address }, params.target, null),
    );
    const transport = findProtocol(target.protocol)?.transport ?? 'exchange';
    if (transport === 'stream') {
      return { protocol: target.protocol, transport, inRun: null };
    }
    const { command, files } = connectionOf(parts, { target: target.name, token: 'TOKEN' });
    return { protocol: target.protocol, transport, inRun: files === undefined ? null : command };
  },
});
