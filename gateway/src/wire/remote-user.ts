import { z } from 'zod';
import type { ContextField } from '../domain/context-field.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Target } from '../domain/target.ts';

const usersMax = 100;
const userCharactersMax = 256;

/** The option that lets clients log in as other users than that of the target's URL. */
export const usersOption = z
  .preprocess((list) => (typeof list === 'string' ? list.split(',') : list), z.array(z.string().min(1).max(userCharactersMax)).max(usersMax))
  .default([])
  .describe("The users, besides that of the URL, as whom clients may log in, with the target's credential: with `TARGET+USER` as their user name.");

/** The user of the target, as policies see it. */
export const userField = {
  name: 'user',
  type: 'text',
  attribute: ownAttributes.targetUser,
  absent: '',
  title: 'The user of the target as whom the gateway logs in: that of its URL, or the one behind `+` in `TARGET+REMOTEUSER`.',
} as const satisfies ContextField;

/** Returns the name of the target in the user name `TARGET` or `TARGET+REMOTEUSER`. */
export function targetIn(user: string): string {
  return user.split('+', 1)[0] ?? '';
}

/** Returns the user of the target whom the client names in `TARGET+REMOTEUSER`, or that of the target. Nobody has said that it may be had. */
export function wantedUser(target: Pick<Target, 'user'>, user: string): string {
  const at = user.indexOf('+');
  return at < 0 ? target.user : user.slice(at + 1, at + 1 + userCharactersMax);
}

/** Returns the user as whom the gateway logs in. Throws GatewayError `refused` for one that is not among `users`, which the configuration names. */
export function allowedUser(target: Pick<Target, 'name' | 'user'>, user: string, users: readonly string[]): string {
  const wanted = wantedUser(target, user);
  if (wanted !== target.user && !users.includes(wanted)) {
    throw new GatewayError('refused', `The user ${JSON.stringify(wanted)} is not among the users of the target ${target.name}.`);
  }
  return wanted;
}
