import { z } from 'zod';
import type { Account } from '../../store/accounts.ts';
import { parseInput } from '../input.ts';

const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
/** Most addresses that are kept of an account. */
const emailsMax = 20;

/** The attributes of a user that are kept. Its other attributes are not needed, so they are not kept. */
export type SaidUser = Pick<Account, 'userName' | 'externalId' | 'emails' | 'isActive'>;

/** Directories write truth as text too: Entra sends "False". */
const truth = z.union(
  [z.boolean(), z.stringFormat('boolean', /^(?:true|false)$/i).transform((text) => text.toLowerCase() === 'true')],
  'active is true or false',
);
const name = z.string('a text is expected').trim().min(1, 'this is empty').max(1_024);
const email = z.union([z.object({ value: name }).transform(({ value }) => value), name]);

const user = z.preprocess(
  lowered,
  z.object({
    username: name,
    externalid: name.nullish().transform((id) => id ?? null),
    emails: z.array(email).max(emailsMax).default([]),
    active: truth.optional(),
  }),
);

const operation = z.preprocess(
  lowered,
  z
    .object({
      op: z
        .string()
        .toLowerCase()
        .pipe(z.enum(['add', 'replace', 'remove'], 'op is add, replace or remove')),
      path: z.string().max(1_024).trim().toLowerCase().optional(),
      value: z.unknown().optional(),
    })
    .refine(({ path, value }) => path !== undefined || (typeof value === 'object' && value !== null), 'without a path, value is an object'),
);

const operationsMax = 100;
const patch = z.preprocess(lowered, z.object({ operations: z.array(operation).min(1).max(operationsMax) }));

/** Returns an object whose members have their names in small letters, because names of attributes have no case (RFC 7643, 2.1). */
function lowered(sent: unknown): unknown {
  return typeof sent === 'object' && sent !== null && !Array.isArray(sent)
    ? Object.fromEntries(Object.entries(sent).map(([member, value]) => [member.toLowerCase(), value]))
    : sent;
}

/** Reads a user that is sent whole. If it does not say whether it is active, that stays as it was. Throws GatewayError `malformed`. */
export function readUser(sent: unknown, wasActive: boolean): SaidUser {
  const { username, externalid, emails, active } = parseInput(user, sent);
  return { userName: username, externalId: externalid, emails, isActive: active ?? wasActive };
}

/** Changes a user as a PATCH says (RFC 7644, 3.5.2). Operations on attributes that are not kept change nothing. Throws GatewayError `malformed`. */
export function patchUser({ userName, externalId, emails, isActive }: SaidUser, sent: unknown): SaidUser {
  const attributes = new Map<string, unknown>([
    ['username', userName],
    ['externalid', externalId],
    ['emails', emails],
    ['active', isActive],
  ]);
  for (const { op, path, value } of parseInput(patch, sent).operations) {
    for (const [at, given] of path === undefined ? Object.entries(Object(lowered(value))) : [[path, value] as const]) {
      const [, attribute = '', part] = /^(?:urn:[a-z0-9:.]+:user:)?([a-z]+)((?:\[.*\])?(?:\.value)?)$/.exec(at) ?? [];
      // Whether a user is active cannot be taken away, only said.
      if (attributes.has(attribute) && !(attribute === 'active' && op === 'remove')) {
        attributes.set(attribute, changed(attributes.get(attribute), { op, given, isPart: part !== '' }));
      }
    }
  }
  return readUser(Object.fromEntries(attributes), isActive);
}

/** Returns the new value of an attribute. */
function changed(
  before: unknown,
  { op, given, isPart }: { readonly op: 'add' | 'replace' | 'remove'; readonly given: unknown; readonly isPart: boolean },
): unknown {
  if (Array.isArray(before)) {
    // An address stays a name of the account until all are replaced: it may be the one that its tokens have.
    const kept: unknown[] = op === 'replace' && !isPart ? [] : before;
    return op === 'remove' ? kept : [...new Set([...kept, ...[given].flat().map(valueOf)])];
  }
  return op === 'remove' ? undefined : valueOf(Array.isArray(given) ? given[0] : given);
}

/** Directories write a value alone, or as a member of an object. */
function valueOf(given: unknown): unknown {
  return typeof given === 'object' && given !== null && 'value' in given ? given.value : given;
}

/** An account as SCIM shows it. */
export function shownUser({ id, userName, externalId, emails, isActive, createdMs, changedMs }: Account): Readonly<Record<string, unknown>> {
  return {
    schemas: [userSchema],
    id,
    ...(externalId === null ? {} : { externalId }),
    userName,
    active: isActive,
    emails: emails.map((value) => ({ value })),
    meta: {
      resourceType: 'User',
      created: new Date(createdMs).toISOString(),
      lastModified: new Date(changedMs).toISOString(),
      location: `/scim/v2/Users/${id}`,
    },
  };
}
