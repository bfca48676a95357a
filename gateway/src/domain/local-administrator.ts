import type { Principal } from './principal.ts';

/** Principals of this group are administrators, whatever roles there are. */
export const administrators = 'admins';

/** The beginning of the names of local administrators, where those of an issuer have its name. No issuer has this name. */
export const localIssuer = 'local';

const prefix = `${localIssuer}/`;
const nameForm = /^[a-z0-9][a-z0-9._@-]{0,62}$/;

/** The words of an error message for another name. */
export const localNameExpected = 'a name is 1 to 63 small letters, digits and ._@-, and begins with a letter or a digit: ann, ann@corp.example';

/** True if a local administrator may have this name, which is the one without `local/`. No two names differ only in case. */
export function isLocalName(name: string): boolean {
  return nameForm.test(name);
}

/** Returns the id of the principal that a local administrator is. */
export function localId(name: string): string {
  return `${prefix}${name}`;
}

/** Returns the name in the id of a local administrator; null if it is the id of somebody else. */
export function localNameOf(id: string): string | null {
  return id.startsWith(prefix) && isLocalName(id.slice(prefix.length)) ? id.slice(prefix.length) : null;
}

/** Returns the principal of a local administrator: it administers and is granted no target. Undefined if it is the id of somebody else. */
export function localPrincipal(id: string): Principal | undefined {
  return localNameOf(id) === null ? undefined : { id, kind: 'human', groups: [administrators], targets: [] };
}
