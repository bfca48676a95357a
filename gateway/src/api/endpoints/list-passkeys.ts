import { z } from 'zod';
import { localId } from '../../domain/local-administrator.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf, paging } from '../paging.ts';
import type { ApiParts } from '../parts.ts';

const passkeySummary = z
  .object({
    id: z.string().describe('The id of the passkey (WebAuthn), in base64url.'),
    principal: z.string().describe('Who signs in with it.'),
    created: z.iso.datetime(),
    used: z.iso.datetime().nullable().describe('When somebody last signed in with it. Null: never.'),
  })
  .meta({ id: 'Passkey', description: 'A passkey of a local administrator.' });

/** A passkey in a list: one line of `passkey list --json`. */
export type PasskeySummary = Readonly<z.output<typeof passkeySummary>>;

export const listPasskeys = endpoint({
  id: 'listPasskeys',
  method: 'GET',
  path: '/api/v1/passkeys',
  summary: 'Lists the passkeys of the local administrators, oldest first.',
  query: paging,
  answer: json(z.array(passkeySummary)),
  errors: ['not_found'],
  act: async ({ localAdministrators }: Pick<ApiParts, 'localAdministrators'>, { query }) => {
    const listed = (await localAdministrators.list()).map(({ id, name, createdMs, usedMs }) => ({
      id,
      principal: localId(name),
      created: new Date(createdMs).toISOString(),
      used: usedMs === null ? null : new Date(usedMs).toISOString(),
    }));
    return pageOf(listed, query, ({ id }) => id);
  },
});
