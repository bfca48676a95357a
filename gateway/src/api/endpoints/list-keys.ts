import { z } from 'zod';
import { listSigners } from '../../recording/public-keys.ts';
import { printLastDay } from '../../recording/retention.ts';
import { listEscrow } from '../../recording/root-secret/escrow.ts';
import { json } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { lastDay } from '../kept-times.ts';
import type { ApiParts } from '../parts.ts';

const shownKeys = z
  .object({
    root: z
      .object({
        number: z.int().describe('How many root secrets there were, this one included.'),
        provider: z.string().describe('What wraps it: the kind, and its name of the key.'),
        since: z.iso.datetime().nullable().describe('Since when this provider has wrapped this root secret. Null: since the store was made.'),
      })
      .describe('The root secret, which opens all other keys.'),
    escrow: z
      .object({
        recipients: z.array(z.string()).readonly().describe('The recipients of age that the configuration names.'),
        files: z
          .array(z.object({ root: z.int().describe('The number of the root secret.'), written: z.iso.datetime() }))
          .readonly()
          .describe('The root secrets that are in escrow/ of the data directory, the newest first.'),
      })
      .describe('The root secrets that are encrypted for others.'),
    signing: z
      .array(
        z.object({
          vkey: z.string().describe('The verifier key. It is public.'),
          from: z.int().describe('The size of the log from which it signs, until the next takes over.'),
        }),
      )
      .readonly()
      .describe('The keys that have signed the log, the one in force last.'),
    classKeys: z
      .array(
        z.object({
          class: z.int().describe('The class of keeping.'),
          keys: z.int().describe('How many keys there are: one for each day until which something is kept.'),
          firstDay: lastDay.describe('The day until which the first is kept; null: for ever.'),
          lastDay: lastDay.describe('The day until which the last is kept; null: for ever.'),
        }),
      )
      .readonly()
      .describe('The keys that wrap the secrets of sessions, by class of keeping.'),
  })
  .meta({ id: 'Keys', description: 'Which keys there are. No key is shown but the public ones.' });

export type ShownKeys = z.output<typeof shownKeys>;

export const listKeys = endpoint({
  id: 'listKeys',
  method: 'GET',
  path: '/api/v1/keys',
  summary:
    'Lists the keys of the gateway: what wraps the root secret and since when, which keys have signed the log, and how many class keys there are. No key is shown but the public ones.',
  answer: json(shownKeys),
  act: async ({ keys, rootRotation, data, escrowRecipients }: Pick<ApiParts, 'keys' | 'rootRotation' | 'data' | 'escrowRecipients'>) => {
    const row = keys.rootRow;
    return {
      root: {
        number: row?.id ?? 1,
        provider: row?.provider ?? rootRotation.provider,
        since: row === null ? null : new Date(row.createdMs).toISOString(),
      },
      escrow: {
        recipients: escrowRecipients,
        files: listEscrow(data).map(({ root, writtenMs }) => ({ root, written: new Date(writtenMs).toISOString() })),
      },
      signing: await listSigners(keys),
      classKeys: keys
        .countClassKeys()
        .map(({ firstDay, lastDay: last, ...counts }) => ({ ...counts, firstDay: printLastDay(firstDay), lastDay: printLastDay(last) })),
    };
  },
});
