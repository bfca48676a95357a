import { z } from 'zod';
import { rolesOf } from '../../access/roles.ts';
import { isOfIssuer } from '../../domain/issuer.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf, paging } from '../paging.ts';
import type { ApiParts } from '../parts.ts';
import type { Suspension } from '../../store/exclusions.ts';

const principal = z
  .object({
    id: z.string(),
    kind: z.enum(['human', 'agent']).nullable().describe('Null: it is of an issuer, and has shown no token since the start.'),
    groups: z.array(z.string()).readonly(),
    targets: z.array(z.string()).readonly().describe('The names of the targets that the principal may use.'),
    roles: z.array(z.string()).readonly().describe('The names of the roles that the principal has now.'),
    openSessions: z.int().describe('How many of its sessions are open.'),
    suspended: z
      .object({ by: z.string(), since: z.iso.datetime(), reason: z.string() })
      .nullable()
      .describe('By whom, when and why it was suspended. Null: it is not.'),
  })
  .meta({ id: 'Principal', description: 'A human or agent that may use the gateway.' });

export const listPrincipals = endpoint({
  id: 'listPrincipals',
  method: 'GET',
  path: '/api/v1/principals',
  summary: 'Lists principals, in the order of the configuration; after them the principals of issuers that are suspended.',
  query: paging,
  answer: json(z.array(principal)),
  errors: ['not_found'],
  act: (parts: Pick<ApiParts, 'principals' | 'exclusions' | 'authenticator' | 'roles' | 'sessions'>, { query }) => {
    const { principals, exclusions, authenticator, roles, sessions } = parts;
    const open = sessions.countByPrincipal();
    const nowMs = Date.now();
    const suspended = exclusions.suspensions().flatMap(({ principal: id }) => (isOfIssuer(id) ? [id] : []));
    const issued = suspended.map((id) => authenticator.find(id) ?? { id, kind: null, groups: [], targets: [] });
    const listed = [...principals().values(), ...issued].map(({ id, kind, groups, targets }) => ({
      id,
      kind,
      groups,
      targets,
      roles: rolesOf(roles(), { groups }, nowMs).map(({ name }) => name),
      openSessions: open.get(id) ?? 0,
      suspended: suspensionView(exclusions.suspension(id)),
    }));
    return pageOf(listed, query, ({ id }) => id);
  },
});

function suspensionView(suspension: Suspension | null): { readonly by: string; readonly since: string; readonly reason: string } | null {
  return suspension === null ? null : { by: suspension.by, since: new Date(suspension.sinceMs).toISOString(), reason: suspension.reason };
}
