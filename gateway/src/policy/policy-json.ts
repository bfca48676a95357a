import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

/** The members of `context` at which a policy looks. */
export interface ContextUse {
  /** Names of members of `context`. Null: it may look at all of them. */
  readonly fields: ReadonlySet<string> | null;
  /** Names of members of `context.session`. Null: it may look at all of them. */
  readonly session: ReadonlySet<string> | null;
}

/** Finds what a policy looks at. */
export function contextUse({ conditions }: PolicyJson): ContextUse {
  const fields = new Set<string>();
  const session = new Set<string>();
  let isAllOfContext = false;
  let isAllOfSession = false;
  visit(conditions, (node, parents) => {
    if (node['Var'] !== 'context') {
      return;
    }
    const [field, outer] = accesses(parents);
    if (field === undefined) {
      isAllOfContext = true;
    } else {
      fields.add(field);
    }
    if (field === 'session') {
      if (outer === undefined) {
        isAllOfSession = true;
      } else {
        session.add(outer);
      }
    }
  });
  return { fields: isAllOfContext ? null : fields, session: isAllOfContext || isAllOfSession ? null : session };
}

/** Returns whether the conditions of a policy look at the action, or at who asks. */
export function looksAt(variable: 'action' | 'principal', { conditions }: PolicyJson): boolean {
  let isRead = false;
  visit(conditions, (node) => {
    isRead ||= node['Var'] === variable;
  });
  return isRead;
}

/** Returns what any of some policies looks at. */
export function jointUse(policies: readonly { readonly use: ContextUse }[]): ContextUse {
  return { fields: union(policies.map(({ use }) => use.fields)), session: union(policies.map(({ use }) => use.session)) };
}

function union(sets: readonly (ReadonlySet<string> | null)[]): ReadonlySet<string> | null {
  return sets.includes(null) ? null : new Set(sets.flatMap((each) => [...(each ?? [])]));
}

/** The entities of which one must be named by a request so that a policy can apply to it, each as `TYPE ID`. Null: it may apply whatever is named. */
export interface PolicyScope {
  readonly principal: readonly string[] | null;
  readonly action: readonly string[] | null;
  readonly resource: readonly string[] | null;
}

/** Reads the scope of a policy, the part before its conditions. */
export function scopeOf({ principal, action, resource }: PolicyJson): PolicyScope {
  return { principal: namesOf(principal), action: namesOf(action), resource: namesOf(resource) };
}

function namesOf(constraint: PolicyJson['principal' | 'action' | 'resource']): readonly string[] | null {
  if (constraint.op !== '==' && constraint.op !== 'in') {
    return null;
  }
  const entities = 'entity' in constraint ? [constraint.entity] : 'entities' in constraint ? constraint.entities : null;
  return entities?.map((each) => ('__entity' in each ? nameOf(each.__entity) : nameOf(each))) ?? null;
}

/** Returns the name of an entity in a scope. */
export function nameOf({ type, id }: { readonly type: string; readonly id: string }): string {
  return `${type} ${id}`;
}

/** Returns the ids of the entities of a type that a policy names. */
export function entitiesOf(policy: PolicyJson, type: string): readonly string[] {
  const found = new Set<string>();
  visit(policy, ({ type: named, id }) => {
    if (named === type && typeof id === 'string') {
      found.add(id);
    }
  });
  return [...found];
}

/** Returns whether a policy names a type of entities, or an entity of it. */
export function mentionsType(policy: PolicyJson, type: string): boolean {
  let isMentioned = false;
  visit(policy, (node) => {
    isMentioned ||= node['entity_type'] === type || node['type'] === type;
  });
  return isMentioned;
}

type Node = Readonly<Record<string, unknown>>;

/** Calls back for each object of a tree, with the objects that it is in, the innermost first. The tree is as deep as `splitPolicies` lets it be. */
function visit(value: unknown, found: (node: Node, parents: readonly Node[]) => void, parents: readonly Node[] = []): void {
  if (Array.isArray(value)) {
    for (const each of value) {
      visit(each, found, parents);
    }
  } else if (typeof value === 'object' && value !== null) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object has string keys; of what the values are nothing is claimed
    const node = value as Node;
    found(node, parents);
    for (const each of Object.values(node)) {
      visit(each, found, [node, ...parents]);
    }
  }
}

/** Returns the names by which the surrounding expressions take members of a variable: `session` and `tables` for `context.session.tables`. */
function accesses(parents: readonly Node[]): string[] {
  const names: string[] = [];
  // Each access is two objects: { ".": { left, attr } }.
  for (let i = 0; i + 1 < parents.length; i += 2) {
    const [access, outer] = [parents[i], parents[i + 1]];
    if (typeof access?.['attr'] !== 'string' || outer?.['.'] !== access) {
      break;
    }
    names.push(access['attr']);
  }
  return names;
}
