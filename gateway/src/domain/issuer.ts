import { GatewayError } from './errors.ts';
import type { Principal } from './principal.ts';
import type { SecretReader } from './target.ts';

/** An OpenID provider of the organisation, whose tokens the gateway accepts. */
export interface Issuer {
  readonly name: string;
  /** The exact text of the claim `iss`, which is an address. */
  readonly url: string;
  /** The client as which people sign in at the issuer. */
  readonly clientId: string;
  readonly clientSecret: SecretReader | null;
  /** The secret with which the directory of the issuer tells who has left (SCIM). Null: it does not. */
  readonly scim: SecretReader | null;
  /** A text that the claim `aud` of a token for this gateway has. */
  readonly audience: string;
  /** The scopes that a command asks for when it signs people in, with a space between. */
  readonly scope: string;
  /** The name of the claim with the groups. Null: its tokens name no groups. */
  readonly groups: string | null;
  /** The name of the claim by which its principals are named. */
  readonly principal: string;
  /** The PEM file of the authorities that may have signed the issuer's certificate. Absent: those of the system. */
  readonly caFile?: string;
}

/** How browsers sign in. */
export interface BrowserSettings {
  /** The origin at which browsers reach the gateway. Null: the address that the browser names. */
  readonly url: string | null;
  /** A session ends after this time without a request. */
  readonly idleMs: number;
  /** A session ends after this time. */
  readonly ageMs: number;
}

/** Acts for which a person may have to have signed in a short time before. */
export const freshActs = ['export', 'approve', 'content', 'policies'] as const;

export type FreshAct = (typeof freshActs)[number];

/** A group that the configuration names. */
export interface Group {
  /** The targets that are granted to all members. */
  readonly targets: readonly string[];
  /** The names of the issuers whose claims make somebody a member. */
  readonly issuers: readonly string[];
}

/** Who may come in, as the configuration says. */
export interface Directory {
  readonly principals: ReadonlyMap<string, Principal>;
  readonly issuers: ReadonlyMap<string, Issuer>;
  readonly groups: ReadonlyMap<string, Group>;
  /** The principals that the configuration binds to subjects of issuers, by `subjectKey`. */
  readonly subjects: ReadonlyMap<string, string>;
  /** The principals that the configuration binds to certificates, by the names that `ShownCertificate` has. */
  readonly certificates: ReadonlyMap<string, string>;
}

/** Returns the key of a subject, which is one only together with its issuer. */
export function subjectKey(issuer: string, subject: string): string {
  return `${issuer}\0${subject}`;
}

/** Characters of an issuer's name for somebody that do not stay as they are: a shell or a terminal may take them for its own, and names are in commands and messages. */
const strangeCharacters = /[^A-Za-z0-9._@+:=~/-]+/g;
const issuedForm = /^(?:[A-Za-z0-9._@+:=~/-]|%[0-9A-F]{2})+$/;
const nameCharactersMax = 254;

/**
 * Returns the id of a principal of an issuer: `ISSUER/NAME`, in which each byte of other characters than letters, digits and `._@+:=~/-` is written as `%XX`. No configured
 * principal has a slash in its name. Null if the name is empty, too long or not well-formed Unicode.
 */
export function issuedName(issuer: string, name: string): string | null {
  if (!name.isWellFormed()) {
    return null;
  }
  const written = name.replaceAll(strangeCharacters, (strange) =>
    Array.from(Buffer.from(strange), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
  return written.length === 0 || written.length > nameCharactersMax ? null : `${issuer}/${written}`;
}

/** Returns the key of an account at an issuer, by a name that the issuer has for it: a subject, an address, a user name. Directories do not keep upper and lower case. */
export function accountKey(issuer: string, name: string): string {
  return `${issuer}/${kept(name.toLowerCase())}`;
}

/** Writes characters that no database keeps as U+FFFD, so that who has one in a name can be out too. */
function kept(name: string): string {
  return name.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** Returns the key of a sign-in at an issuer, which is the claim `sid` of its tokens; without one that of all tokens of the subject that name no sign-in. */
export function signInKey(issuer: string, signIn: string | null, subject: string): string {
  return signIn === null ? `${issuer}#/${kept(subject)}` : `${issuer}#${kept(signIn)}`;
}

/** Returns the key of the account of a principal of an issuer; null for a principal of the configuration. */
export function accountOfPrincipal(id: string): string | null {
  const at = id.indexOf('/');
  const name = at === -1 || !issuedForm.test(id.slice(at + 1)) ? null : decoded(id.slice(at + 1));
  return name === null ? null : accountKey(id.slice(0, at), name);
}

/** Returns the name that `issuedName` wrote; null if it wrote another one. */
function decoded(written: string): string | null {
  try {
    return decodeURIComponent(written);
  } catch {
    return null;
  }
}

/** True if this is the id of a principal of an issuer, whatever issuers there are now. */
export function isOfIssuer(id: string): boolean {
  return id.includes('/');
}

/** The error of an act that needs a principal of the configuration, and names none. */
export function unknownPrincipal(id: string): GatewayError {
  const advice = isOfIssuer(id)
    ? 'who is of an issuer signs in there, at the address of the gateway in a browser or with countersign login --url URL, and nothing is opened in its name by others.'
    : 'add it with countersign principal add.';
  return new GatewayError('unknown_principal', `There is no principal "${id}" in the configuration: ${advice}`);
}

/** True if this is the id of a principal that one of these issuers may name. */
export function isIssuedName(id: string, issuers: ReadonlyMap<string, unknown>): boolean {
  const at = id.indexOf('/');
  return at !== -1 && issuers.has(id.slice(0, at)) && accountOfPrincipal(id) !== null && id.length - at <= nameCharactersMax + 1;
}
