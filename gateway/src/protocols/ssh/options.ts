import { z } from 'zod';
import { linkLocalOption } from '../../wire/link-local.ts';

const hostKey = z
  .string()
  .regex(
    /^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) [A-Za-z0-9+/]{40,4000}={0,2}(?: .*)?$/,
    'A host key is written as in known_hosts: ssh-ed25519 AAAA…',
  );
const keysMax = 16;
const usersMax = 100;

/** The options of a target of this protocol. */
export const sshOptions = z.strictObject({
  hostKeys: z
    .union([z.literal('any'), z.array(hostKey).min(1).max(keysMax)], {
      error: 'hostKeys has the public keys of the target, as ["ssh-ed25519 AAAA…"] (ssh-keyscan HOST prints them), or any, which trusts whoever answers there.',
    })
    .describe(
      'The keys that the target may show, as `["ssh-ed25519 AAAA…"]`. `any` trusts whoever answers at its address. A target without this option is refused.',
    ),
  users: z
    .preprocess((list) => (typeof list === 'string' ? list.split(',') : list), z.array(z.string().min(1).max(256)).max(usersMax))
    .default([])
    .describe('The users, besides that of the URL, as whom clients may log in: with `TARGET+USER` as their user name.'),
  linkLocal: linkLocalOption,
});
