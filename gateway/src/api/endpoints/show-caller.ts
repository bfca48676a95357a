import { z } from 'zod';
import { mayDo } from '../../access/rights.ts';
import { builtInRoles, rolesOf } from '../../access/roles.ts';
import { actNames } from '../../domain/recording-acts.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

const shownRole = z
  .object({
    name: z.string(),
    role: z.string().describe('The built-in role that it is.'),
    may: z.array(z.enum(actNames)).readonly(),
    own: z.boolean().describe('True: only records that the caller made, or that were made on its behalf.'),
    query: z.array(z.string()).readonly().describe('Conditions, as queries, that all hold for the records of the role. Empty: none.'),
    expires: z.iso.datetime().nullable().describe('When the role ends. Null: never.'),
  })
  .meta({ id: 'HeldRole', description: 'A role of somebody, with its bounds.' });

const shownCaller = z
  .object({
    principal: z.string().describe('The id of the principal, or `operator`.'),
    kind: z.enum(['human', 'agent']).nullable().describe('Null: the caller is the operator.'),
    groups: z.array(z.string()).readonly(),
    targets: z.array(z.string()).readonly().describe('The names of the targets that the grants allow.'),
    may: z.array(z.enum(actNames)).readonly().describe('What roles and policies allow the caller with recordings, with some records at least.'),
    roles: z
      .array(shownRole)
      .readonly()
      .describe('The roles that the caller has now, without what policies say of them. Empty: none, or the caller is the operator, who may do everything.'),
    onBehalfOf: z.string().nullable(),
    token: z.string().nullable().describe('The public id of the token.'),
    expires: z.iso.datetime().nullable().describe('When the token ends. Null: never.'),
    issuer: z.string().nullable().describe('The address of the issuer that vouched for the caller. Null: the token is one of the gateway.'),
    subject: z.string().nullable().describe('How the issuer knows the caller: the claim `sub`.'),
    session: z.string().nullable().describe('The session of the run, for the token of a run.'),
    log: z.string().describe('The log of this gateway, as in the names of its records, `LOG/INDEX`.'),
  })
  .meta({ id: 'Caller', description: 'Whom a token stands for.' });

export type ShownCaller = z.output<typeof shownCaller>;

export const showCaller = endpoint({
  id: 'showCaller',
  method: 'GET',
  path: '/api/v1/whoami',
  summary: 'Says whom the token of the caller stands for.',
  callers: 'everybody',
  answer: json(shownCaller),
  act: (parts: Pick<ApiParts, 'roles' | 'recorder'>, { caller: { id, identity, rights } }): ShownCaller => {
    const { principal, onBehalfOf = null, tokenId = null, issued, session = null, standing, targets } = identity ?? {};
    const granted = principal?.targets ?? [];
    const held = principal === undefined || session !== null ? [] : rolesOf(parts.roles(), standing?.principal ?? principal, Date.now());
    return {
      principal: id,
      kind: principal?.kind ?? null,
      groups: principal?.groups ?? [],
      targets: targets === undefined ? granted : granted.filter((name) => targets.includes(name)),
      may: actNames.filter((act) => mayDo(rights, act)),
      roles: held.map(({ name, role, may, conditions, expiresMs }) => ({
        name,
        role,
        may,
        own: builtInRoles[role].limit === 'own',
        query: conditions,
        expires: expiresMs === null ? null : new Date(expiresMs).toISOString(),
      })),
      onBehalfOf,
      token: tokenId,
      expires: standing === undefined ? null : new Date(standing.expiresMs).toISOString(),
      issuer: issued?.issuer ?? null,
      subject: issued?.subject ?? null,
      session,
      log: parts.recorder.gatewayId,
    };
  },
});
