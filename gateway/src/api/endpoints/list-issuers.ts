import { z } from 'zod';
import { json } from '../answer.ts';
import { publicEndpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

const issuerSummary = z
  .object({
    name: z.string().describe('The name that begins the names of its principals.'),
    url: z.string().describe('The address of the issuer, its claim `iss`.'),
    clientId: z.string().describe('The client as which a command signs people in.'),
    audience: z.string().describe('What the claim `aud` of a token for this gateway has.'),
    scope: z.string().describe('The scopes that a command asks for.'),
  })
  .meta({ id: 'Issuer', description: 'An OpenID provider whose tokens the gateway accepts.' });

export type IssuerSummary = z.output<typeof issuerSummary>;

export const listIssuers = publicEndpoint({
  id: 'listIssuers',
  method: 'GET',
  path: '/api/v1/issuers',
  summary: 'Lists the issuers whose tokens are accepted, for commands that sign people in.',
  answer: json(z.array(issuerSummary)),
  act: ({ issuers }: Pick<ApiParts, 'issuers'>) =>
    Array.from(issuers().values(), ({ name, url, clientId, audience, scope }) => ({ name, url, clientId, audience, scope })),
});
