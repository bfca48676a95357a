import type { JWTPayload } from 'jose';
import { issuedName, subjectKey, type Directory, type Issuer } from '../domain/issuer.ts';
import type { Principal } from '../domain/principal.ts';

/** The claims of a token about one subject. */
interface Claimed {
  readonly subject: string;
  /** The claim by which the issuer's principals are named. Null: the token does not have it, or nobody has verified it. */
  readonly name: string | null;
  readonly groups: readonly string[];
  readonly isAgent: boolean;
}

/** The claims that are kept of a verified token. */
export interface IssuedClaims {
  readonly subject: Claimed;
  /** Who acts on behalf of the subject (RFC 8693, `act`). Null: the subject acts itself. */
  readonly actor: Claimed | null;
}

/** The principal that a token stands for, and on whose behalf it acts. */
export interface IssuedPrincipal {
  readonly principal: Principal;
  readonly onBehalfOf: string | null;
}

/** Reads who a verified token is about. Returns the reason, without its full stop, if it does not say so. */
export function readClaims(issuer: Issuer, payload: JWTPayload): IssuedClaims | { readonly refused: string } {
  const { sub, act } = payload;
  if (typeof sub !== 'string' || sub === '') {
    return { refused: 'it names no subject (sub)' };
  }
  const subject = { subject: sub, name: nameIn(issuer, payload), groups: groupsIn(issuer, payload), isAgent: isOfClient(sub, payload) };
  if (act === undefined) {
    return { subject, actor: null };
  }
  // Only the outer one acts now; those within it acted before (RFC 8693, 4.1).
  const { sub: actor, iss = issuer.url } = isObject(act) ? act : {};
  if (!isObject(act) || typeof actor !== 'string' || actor === '' || iss !== issuer.url) {
    return { refused: 'it does not say who acts (act), or names a subject of another issuer' };
  }
  return { subject, actor: { subject: actor, name: nameIn(issuer, act), groups: [], isAgent: true } };
}

/** Finds the principal by the configuration. Returns the reason, without its full stop, if there is none. */
export function principalOf(directory: Directory, issuer: Issuer, { subject, actor }: IssuedClaims): IssuedPrincipal | { readonly refused: string } {
  const person = find(directory, issuer, subject);
  const acting = actor === null ? person : find(directory, issuer, actor);
  if ('refused' in person) {
    return person;
  }
  return 'refused' in acting ? acting : { principal: acting, onBehalfOf: actor === null ? null : person.id };
}

function find(
  { principals, groups, subjects }: Directory,
  issuer: Issuer,
  { subject, name, groups: claimed, isAgent }: Claimed,
): Principal | { readonly refused: string } {
  const bound = principals.get(subjects.get(subjectKey(issuer.name, subject)) ?? '');
  if (bound !== undefined) {
    return bound;
  }
  const id = name === null ? null : issuedName(issuer.name, name);
  if (id === null) {
    return { refused: `its claim ${issuer.principal} does not name a principal, and none is bound to its subject` };
  }
  return issuedPrincipal(groups, issuer.name, { id, kind: isAgent ? 'agent' : 'human', groups: claimed });
}

/** Returns a principal of an issuer as the configuration has it: of the groups that are claimed for it, it is in those that count for the issuer, and gets their grants. */
export function issuedPrincipal(groups: Directory['groups'], issuer: string, claimed: Omit<Principal, 'targets'>): Principal {
  const member = [...new Set(claimed.groups)].filter((group) => groups.get(group)?.issuers.includes(issuer) === true).toSorted();
  return { ...claimed, groups: member, targets: [...new Set(member.flatMap((group) => groups.get(group)?.targets ?? []))] };
}

/** Returns the name in the claims, in small letters if it is an e-mail address. Null if there is none, or the issuer says that the address is not verified. */
function nameIn(issuer: Issuer, claims: Readonly<Record<string, unknown>>): string | null {
  const name = claimIn(claims, issuer.principal);
  if (typeof name !== 'string' || issuer.principal !== 'email') {
    return typeof name === 'string' ? name : null;
  }
  const { email_verified: isVerified = true } = claims;
  return isVerified === true || isVerified === 'true' ? name.toLowerCase() : null;
}

function groupsIn(issuer: Issuer, claims: Readonly<Record<string, unknown>>): readonly string[] {
  const groups = issuer.groups === null ? [] : claimIn(claims, issuer.groups);
  return (Array.isArray(groups) ? groups : [groups]).filter((group) => typeof group === 'string');
}

function claimIn(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** True if a token was given to a client for itself, and no person signed in: by RFC 9068 (2.2), and by what Auth0, Okta and Entra say. */
function isOfClient(subject: string, claims: Readonly<Record<string, unknown>>): boolean {
  const clients = new Set(['client_id', 'azp', 'cid', 'appid'].map((name) => claimIn(claims, name)));
  return clients.has(subject) || clients.has(subject.replace(/@clients$/, '')) || claims['gty'] === 'client-credentials' || claims['idtyp'] === 'app';
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
