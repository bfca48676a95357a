import { z } from 'zod';
import { linkLocalOption } from '../../wire/link-local.ts';
import { usersOption } from '../../wire/remote-user.ts';

const hostKey = z
  .string()
  .regex(
    /^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) [A-Za-z0-9+/]{40,4000}={0,2}(?: .*)?$/,
    'A host key is written as in known_hosts: ssh-ed25519 AAAA…',
  );
const keysMax = 16;
const placesMax = 256;
const placeCharactersMax = 300;

/** The options of a target of this protocol. */
export const sshOptions = z.strictObject({
  hostKeys: z
    .union([z.literal('any'), z.array(hostKey).min(1).max(keysMax)], {
      error: 'hostKeys has the public keys of the target, as ["ssh-ed25519 AAAA…"] (ssh-keyscan HOST prints them), or any, which trusts whoever answers there.',
    })
    .describe(
      'The keys that the target may show, as `["ssh-ed25519 AAAA…"]`. `any` trusts whoever answers at its address. A target without this option is refused.',
    ),
  forwards: z
    .union([
      z.literal('any'),
      z
        .array(
          z
            .string()
            .max(placeCharactersMax)
            .regex(/^.+:\d{1,5}$/, 'A place is written as HOST:PORT.'),
        )
        .max(placesMax),
    ])
    .default([])
    .describe(
      'The places to which clients may have the target connect (`ssh -L`, `ssh -W`), as `["db.internal:5432"]`, each written as clients name it. `any` allows all that the target reaches; policy decides on each (`context.destination`). Without this option there are none.',
    ),
  users: usersOption,
  linkLocal: linkLocalOption,
});
