import { accessLine, accessLines, possibleAskers } from '../access-line.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { targetName } from '../input.ts';
import { inLines } from '../lines.ts';
import type { ApiParts } from '../parts.ts';
import { requireTarget } from '../target-summary.ts';

export const showTargetAccess = endpoint({
  id: 'showTargetAccess',
  method: 'GET',
  path: '/api/v1/targets/:target/access',
  summary: 'Says who may do what at a target by the policies in force, and which of them have a say.',
  description: 'First the principals of the configuration, then people of issuers by each group that their tokens name, then those in no group.',
  params: { target: targetName },
  answer: lines(accessLine),
  errors: ['unknown_target'],
  act: (parts: Pick<ApiParts, 'directory' | 'findProtocol' | 'policy' | 'targets'>, { params: { target } }) =>
    inLines(accessLines(parts, possibleAskers(parts), [requireTarget(parts.targets(), target)])),
});
