import { z } from 'zod';
import { linkLocalOption } from '../../wire/link-local.ts';
import { usersOption } from '../../wire/remote-user.ts';

/** The options of a target of this protocol. */
export const redisOptions = z.strictObject({
  tls: z
    .enum(['off', 'require', 'verify-full'])
    .optional()
    .describe('`verify-full`, `require` or `off`. Without it `verify-full` for `rediss://`, and for `redis://` `off`.'),
  caFile: z.string().min(1).optional().describe("PEM file of the authorities that may have signed the target's certificate, relative to this file."),
  users: usersOption,
  linkLocal: linkLocalOption,
});
