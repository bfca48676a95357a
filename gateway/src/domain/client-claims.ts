import type { Attributes } from './action.ts';
import { ownAttributes } from './own-attributes.ts';

/** The names and values by which a client describes its own software. They are recorded as its claims, and no decision depends on them. */
export type ClientClaims = readonly (readonly [name: string, value: string])[];

/** Most claims of one client that are recorded, and most characters of each. */
const claimsMax = 16;
const claimCharactersMax = 256;

/** Returns the attribute for the claims of a client; empty if it makes none. A claim that holds the client's token is left out, because no record may hold a token. */
export function claimsAttribute(claims: ClientClaims, token: string): Attributes {
  const told = claims
    .filter(([, value]) => value !== '' && (token === '' || !value.includes(token)))
    .slice(0, claimsMax)
    .map(([name, value]) => `${name}=${value.slice(0, claimCharactersMax).toWellFormed()}`);
  return told.length === 0 ? {} : { [ownAttributes.clientClaims]: told };
}

export function areSameClaims(some: ClientClaims, others: ClientClaims): boolean {
  return some.length === others.length && some.every(([name, value], i) => others[i]?.[0] === name && others[i][1] === value);
}
