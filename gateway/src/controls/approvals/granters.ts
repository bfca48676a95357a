import { GatewayError } from '../../domain/errors.ts';
import type { Identity, Standing } from '../../domain/principal.ts';

/** The name under which the operator on the gateway's machine grants. No principal's credential has it. */
export const operatorName = 'operator';

/** Somebody who decides on an approval. `identity` is null for the operator on the gateway's machine. */
export interface Granter {
  readonly identity: Identity | null;
}

/** A grant by one person, as it was recorded. */
export interface GivenGrant {
  /** The id of the principal, or `operator`. */
  readonly by: string;
  readonly isOperator: boolean;
  /** The standing of the token with which it was granted; null for the operator. */
  readonly standing: Standing | null;
  /** Those of the approval's groups for which the person can stand. Of who broke the glass: the groups that may. */
  readonly groups: readonly string[];
  /** True: the one who asked let the request go on, in an emergency. */
  readonly isBreak: boolean;
  readonly note: string;
  readonly timeMs: number;
  /** The name of its record, `LOG/INDEX`. */
  readonly record: string;
}

/** The part of a grant that says for which groups it can stand. */
type ForGroups = Pick<GivenGrant, 'groups'>;

/** The one whom an approval would let act, and the groups that must grant it. */
export interface Wanted {
  readonly principal: string;
  readonly onBehalfOf: string | null;
  readonly groups: readonly string[];
}

/** Checks that somebody may let a request of their own go on without an approval. `breakGlass` are the groups that must all have them. Throws GatewayError `refused`. */
export function checkBreaker({ identity }: Granter, { principal, breakGlass }: Pick<Wanted, 'principal'> & { readonly breakGlass: readonly string[] }): void {
  if (breakGlass.length === 0) {
    throw new GatewayError('refused', 'No policy lets this request go on without its approval: @breakglass of each policy that holds it would have to.');
  }
  const { groups, kind } = identity?.standing.principal ?? { groups: [], kind: 'agent' };
  if (identity === null || identity.session !== undefined || identity.principal.id !== principal || kind !== 'human') {
    throw new GatewayError('refused', 'Only the person who asks breaks the glass, with a token of their own. Others grant: countersign approval grant.');
  }
  if (!breakGlass.every((group) => groups.includes(group))) {
    throw new GatewayError('refused', `${principal} may not break the glass here: that needs a member of ${breakGlass.join(' and ')}.`);
  }
}

/**
 * Returns those groups of an approval for which somebody may grant. Throws GatewayError `refused` if there are none: for the requester, whom it acts for and
 * whoever acts for it, for the token of a run, and for everybody who is in none of the groups.
 */
export function groupsOf({ identity }: Granter, { principal, onBehalfOf, groups }: Wanted): readonly string[] {
  if (identity === null) {
    return groups;
  }
  const { principal: own, session, standing } = identity;
  if (session !== undefined) {
    throw new GatewayError('refused', 'The token of a run decides on no approval: a person does, with a token of their own.');
  }
  if ([own.id, identity.onBehalfOf].some((id) => id !== undefined && (id === principal || id === onBehalfOf))) {
    throw new GatewayError('refused', 'Nobody decides on an approval for a request of their own, or for one that is made for them.');
  }
  const member = groups.filter((group) => standing.principal.groups.includes(group));
  if (member.length === 0) {
    throw new GatewayError('refused', `${own.id} may not decide on this approval: that needs a member of ${groups.join(' or ')}.`);
  }
  return member;
}

/**
 * Finds a person for each group, distinct people for distinct groups. Returns the person of each group that can be given one, by group; it is complete if it has
 * all groups.
 */
export function standIns<Given extends ForGroups>(groups: readonly string[], grants: readonly Given[]): ReadonlyMap<string, Given> {
  const found = new Map<string, Given>();
  for (const grant of grants) {
    place(grant, { groups, found, tried: new Set() });
  }
  return found;
}

interface Search<Given> {
  readonly groups: readonly string[];
  readonly found: Map<string, Given>;
  readonly tried: Set<string>;
}

/** Gives a person a group; somebody who has that group moves to another one if they can. Returns false if there is no place. */
function place<Given extends ForGroups>(grant: Given, search: Search<Given>): boolean {
  for (const group of search.groups.filter((each) => grant.groups.includes(each) && !search.tried.has(each))) {
    search.tried.add(group);
    const before = search.found.get(group);
    if (before === undefined || place(before, search)) {
      search.found.set(group, grant);
      return true;
    }
  }
  return false;
}
