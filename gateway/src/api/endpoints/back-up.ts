import { z } from 'zod';
import { directoryDigest, recipientsMax } from '../../backup/backups.ts';
import { GatewayError } from '../../domain/errors.ts';
import { recordOwnDecision } from '../../sessions/own-decision.ts';
import { json } from '../answer.ts';
import { backupAct } from '../backup-acts.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

const madeBackup = z
  .object({
    directory: z.string(),
    gateway: z.string(),
    made: z.iso.datetime(),
    size: z.int().describe('The number of records in it.'),
    files: z.int(),
    bytes: z.int(),
    copiedBytes: z.int().describe('The bytes that were copied now; the others were there from an earlier backup.'),
    isEncrypted: z.boolean().describe('True if keys and tokens are encrypted in it.'),
    lacks: z.array(z.string()).readonly().describe('What is not in it and is needed to use it, one sentence each.'),
  })
  .meta({ id: 'MadeBackup', description: 'A backup that was made. It is not verified yet.' });

export const backUp = endpoint({
  id: 'backUp',
  method: 'POST',
  path: '/api/v1/backup',
  summary: 'Copies the store to a directory of the machine of the gateway, and answers when it is done.',
  description: 'Only the operator on that machine is answered. A backup is cut short when the client leaves; the next takes it up.',
  body: jsonBody(
    z.strictObject({
      out: z.string().min(1).max(1000).describe('The directory: a new one, or one with an earlier backup, which is continued.'),
      recipients: z.array(z.string().min(1).max(4000)).max(recipientsMax).default([]).describe('The recipients of age for whom keys and tokens are encrypted.'),
    }),
  ),
  answer: json(madeBackup),
  errors: ['conflict', 'config_invalid', 'store_damaged', 'limit_exceeded'],
  act: async ({ backups, keys, recorder }: Pick<ApiParts, 'backups' | 'keys' | 'recorder'>, { caller, body: order, signal }) => {
    if (caller.standing !== null) {
      throw new GatewayError(
        'refused',
        "A backup is written to the gateway's machine, so its operator makes it there: countersign backup, without COUNTERSIGN_TOKEN.",
      );
    }
    await backups.check(order);
    const directory = directoryDigest(order.out);
    const { size } = recorder;
    keys.backups.add({ directory, atMs: Date.now(), size, isTold: true });
    const reason = `a backup of the ${size} records so far is made`;
    const { recipients } = order;
    await recordOwnDecision(recorder, backupAct({ by: caller.id, address: caller.address, directory, records: size, recipients, reason }));
    return backups.make(order, signal);
  },
});
