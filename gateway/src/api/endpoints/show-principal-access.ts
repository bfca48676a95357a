import { z } from 'zod';
import { accessLine, accessLines, askerOf } from '../access-line.ts';
import { lines } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { groupNames } from '../input.ts';
import { requireKnownPrincipal } from '../known-principal.ts';
import { inLines } from '../lines.ts';
import type { ApiParts } from '../parts.ts';

type Parts = Pick<ApiParts, 'authenticator' | 'directory' | 'findProtocol' | 'issuers' | 'policy' | 'principals' | 'targets'>;

export const showPrincipalAccess = endpoint({
  id: 'showPrincipalAccess',
  method: 'GET',
  path: '/api/v1/principals/:principal/access',
  summary: 'Says what a principal may do at each target by the policies in force, and which of them have a say.',
  params: { principal: z.string().max(256) },
  query: { groups: groupNames.optional().describe('Groups with commas between, in place of those of the principal: of an issuer they may be unknown.') },
  answer: lines(accessLine),
  errors: ['unknown_principal'],
  act: (parts: Parts, { params: { principal }, query: { groups } }) => {
    requireKnownPrincipal(parts, principal);
    const asker = askerOf(
      parts,
      principal,
      parts.authenticator.find(principal),
      groups?.split(',').flatMap((each) => each.trim() || []),
    );
    return inLines(accessLines(parts, [asker], [...parts.targets().values()]));
  },
});
