import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { suggest } from '../domain/suggest.ts';
import type { Policy } from './policy-set.ts';
import type { PolicyProblem, WrittenPolicy } from './policy-text.ts';
import { nameOf } from './policy-json.ts';
import { strangeValues } from './strange-values.ts';
import { comparedTags, contradictionIn, demandsOf, isImplied, type KnownValues } from './satisfiable.ts';
import { actionNames, connectActionName, tagNames, type PolicyTarget, type Vocabulary } from './vocabulary.ts';

/** A policy with its expressions and its place. */
interface ReadPolicy {
  readonly policy: Policy;
  readonly json: PolicyJson;
  readonly written: WrittenPolicy;
}

/** A message about a policy, and the words of the policy where the fault is shown. The words are empty for the policy as a whole. */
interface Finding {
  readonly message: string;
  readonly words: string;
}

/**
 * Finds policies that can never do what they are written for: conditions that contradict each other or fit no target, permits of what a forbid denies, approvals
 * that nobody could give. They do no harm, so they are put into force; whoever wrote them meant something else.
 */
export function findConflicts(policies: readonly ReadPolicy[], vocabulary: Vocabulary): PolicyProblem[] {
  return policies.flatMap((each) => {
    const strange = strangeValues(each.json, protocolsOf(each.json, vocabulary), vocabulary).filter(({ isNever }) => isNever);
    const never = strange.length > 0 ? strange : [neverApplies(each, vocabulary)];
    const findings = [...never, overruled(each, policies, vocabulary), uselessObligation(each), ...unapproved(each, vocabulary)];
    return findings.flatMap((finding) => {
      const { source, text, offset } = each.written;
      return finding === null ? [] : [{ source, offset: offset + Math.max(0, text.indexOf(finding.words)), message: finding.message }];
    });
  });
}

/** Finds groups that approve and have agents in them: such an agent may approve what others ask. */
export function findAgentsThatApprove(policies: readonly ReadPolicy[], { principals }: Vocabulary): PolicyProblem[] {
  return policies.flatMap(({ policy: { annotated }, written: { source, text, offset } }) =>
    annotated.approval.flatMap((group) => {
      const agents = principals.filter(({ kind, groups }) => kind === 'agent' && groups.includes(group)).map(({ id }) => id);
      const message = `${agents.join(', ')} of the group ${JSON.stringify(group)} ${agents.length === 1 ? 'is an agent' : 'are agents'}, and may approve as people do`;
      return agents.length === 0 ? [] : [{ source, offset: offset + Math.max(0, text.indexOf('@approval')), message }];
    }),
  );
}

/** Finds values of a form that no request has, by what is known of their form. */
export function findMisshapen(policies: readonly ReadPolicy[], vocabulary: Vocabulary): PolicyProblem[] {
  return policies.flatMap(({ json, written: { source, text, offset } }) =>
    strangeValues(json, protocolsOf(json, vocabulary), vocabulary).flatMap(({ isNever, message, words }) =>
      isNever ? [] : [{ source, offset: offset + Math.max(0, text.indexOf(words)), message }],
    ),
  );
}

/** Finds permits of actions at a target to which nobody who may do them can connect. They allow nothing until something else allows to connect. */
export function findUnreachable(policies: readonly ReadPolicy[], vocabulary: Vocabulary): PolicyProblem[] {
  const permits = policies
    .filter(({ policy }) => policy.effect === 'permit' && !policy.annotated.isObserved)
    .map((each) => ({ ...each, targets: fittingTargets(each.json, vocabulary), actions: actionsOf(each.json, vocabulary) }));
  const mayConnect = (principal: Vocabulary['principals'][number], target: PolicyTarget): boolean =>
    principal.targets.includes(target.name) ||
    permits.some(
      ({ json, actions, targets }) => actions.has(connectActionName(target.protocol)) && targets.includes(target) && includesPrincipal(json, principal),
    );
  return permits.flatMap(({ json, targets, actions, written: { source, text, offset } }) => {
    const asking = vocabulary.principals.filter((principal) => includesPrincipal(json, principal));
    const pairs = targets.flatMap((target) => asking.map((principal) => ({ target, principal })));
    const lacking = pairs.filter(({ target, principal }) => !mayConnect(principal, target));
    const isAll = lacking.length === pairs.length;
    const target = lacking[0]?.target;
    // A permit for everybody or everywhere may be meant for those that can connect.
    if (target === undefined || (!isAll && (isAny(json.principal) || isAny(json.resource)))) {
      return [];
    }
    const action = [...actions].find((name) => isActionOf(target, name, vocabulary));
    const who = isAll ? 'nobody' : lacking.map(({ principal }) => principal.id).join(', ');
    const [connect, group] = [connectActionName(target.protocol), target.protocol];
    const hint = `add Action::${JSON.stringify(connect)} to its actions, or permit all of them by action in Action::${JSON.stringify(group)}`;
    const message = `permits ${action} at ${target.name}, but ${who} may ${connect} there, which comes before any request: ${hint}`;
    return [{ source, offset: offset + Math.max(0, text.indexOf('permit')), message }];
  });
}

/** Finds permits that change nothing beside the grants, and forbids that leave nothing of a grant. Either may be meant, and is easily overlooked. */
export function findBesideGrants(policies: readonly ReadPolicy[], vocabulary: Vocabulary): PolicyProblem[] {
  return policies.flatMap((each) => {
    const { policy, written } = each;
    const message = policy.annotated.isObserved ? null : policy.effect === 'permit' ? grantedAlready(each, vocabulary) : emptiesGrants(each, vocabulary);
    return message === null ? [] : [{ source: written.source, offset: written.offset + Math.max(0, written.text.indexOf(policy.effect)), message }];
  });
}

/** Says that the grants allow all that a permit does. A permit for everybody may be meant for those who have no grants. */
function grantedAlready({ policy: { annotated }, json }: ReadPolicy, vocabulary: Vocabulary): string | null {
  const asking = vocabulary.principals.filter((principal) => includesPrincipal(json, principal));
  const targets = fittingTargets(json, vocabulary).map(({ name }) => name);
  const isGranted = asking.every((principal) => targets.every((target) => principal.targets.includes(target)));
  if (isOpen(json, vocabulary) || asking.length === 0 || targets.length === 0 || !isGranted || annotated.obligations.length > 0) {
    return null;
  }
  const granted = `the configuration grants ${targets.join(', ')} to ${asking.map(({ id }) => id).join(', ')}, whatever this permit says`;
  return annotated.record === 'facts'
    ? `@record("facts") has no effect, because ${granted}, and a grant has the content recorded too: remove the grant`
    : `this permit changes nothing, because ${granted}: remove the grant, or say in a forbid what is not allowed`;
}

/** Says whose grants allow nothing, because a forbid denies all of it. */
function emptiesGrants({ policy: { annotated }, json }: ReadPolicy, vocabulary: Vocabulary): string | null {
  const actions = actionsOf(json, vocabulary);
  const isEmptied = (principal: Vocabulary['principals'][number], target: PolicyTarget): boolean => {
    const own = vocabulary.protocols.find(({ id }) => id === target.protocol);
    const known = new Map([['principal.kind', principal.kind], ['principal', nameOf({ type: 'Principal', id: principal.id })], ...factsOf(target, vocabulary)]);
    return own !== undefined && actionNames(own).every((name) => actions.has(name)) && demandsOf(json).every((demand) => isImplied(demand, [], known));
  };
  const emptied = vocabulary.principals
    .filter((principal) => annotated.approval.length === 0 && includesPrincipal(json, principal))
    .flatMap((principal) => {
      const targets = targetsOf(json, vocabulary).filter((target) => principal.targets.includes(target.name) && isEmptied(principal, target));
      return targets.length === 0 ? [] : [`${principal.id} (${targets.map(({ name }) => name).join(', ')})`];
    });
  return emptied.length === 0 ? null : `this forbid denies all that the configuration grants to ${emptied.join(', ')}`;
}

function neverApplies({ json }: ReadPolicy, vocabulary: Vocabulary): Finding | null {
  const found = contradictionIn(demandsOf(json), knownOfScope(json));
  if (found !== null) {
    return { message: `this policy can never apply: ${found.why}. Change the condition, or remove the policy`, words: found.words };
  }
  const named = targetsOf(json, vocabulary);
  const reached = named.filter((target) => reaches(json, target, vocabulary));
  if (reached.length === 0) {
    return named.length === 0 ? null : otherProtocol(json, named, vocabulary);
  }
  if (fittingTargets(json, vocabulary).length > 0) {
    return null;
  }
  const [tag] = tagFindings(json, vocabulary.targets);
  return {
    message: `this policy can never apply: ${tag?.message ?? 'no target is as its conditions say. Change them, or the tags of targets'}`,
    words: tag?.words ?? 'resource',
  };
}

/** Returns the targets at which a policy may apply: its scope includes them, it has actions of their protocol, and its conditions do not contradict what they are. */
function fittingTargets(json: PolicyJson, vocabulary: Vocabulary): readonly PolicyTarget[] {
  const fits = (target: PolicyTarget): boolean => contradictionIn(demandsOf(json), new Map([...knownOfScope(json), ...factsOf(target, vocabulary)])) === null;
  return targetsOf(json, vocabulary).filter((target) => reaches(json, target, vocabulary) && fits(target));
}

/** Returns the entities that the scope of a policy says for certain. */
function knownOfScope(json: PolicyJson): ReadonlyMap<string, string> {
  return new Map(
    (['principal', 'resource', 'action'] as const).flatMap((variable) => {
      const constraint = json[variable];
      return constraint.op === '==' && 'entity' in constraint ? [[variable, entityName(constraint.entity)] as const] : [];
    }),
  );
}

/** Says that the actions of a policy are not those of its target. */
function otherProtocol(json: PolicyJson, targets: readonly PolicyTarget[], vocabulary: Vocabulary): Finding | null {
  const [target] = targets;
  if (target === undefined || json.resource.op === 'All' || json.resource.op === 'is') {
    return null;
  }
  const own = vocabulary.protocols.find(({ id }) => id === target.protocol);
  const actions = own === undefined ? [] : actionNames(own);
  return {
    message: `this policy can never apply: ${target.name} is a target of ${target.protocol}, whose actions are ${actions.join(', ')}`,
    words: 'action',
  };
}

function tagFindings(json: PolicyJson, targets: readonly PolicyTarget[]): Finding[] {
  return comparedTags(demandsOf(json)).flatMap(([tag, value]) => {
    const values = [...new Set(targets.flatMap(({ tags = {} }) => tags[tag] ?? []))];
    if (value === '' || values.includes(value)) {
      return [];
    }
    const meant = suggest(value, values);
    const there = values.map((each) => JSON.stringify(each)).join(', ') || 'no value';
    return [
      { message: `no target has the tag ${tag}: ${value}${meant === null ? `; there is ${there}` : `: is ${meant} meant?`}`, words: JSON.stringify(value) },
    ];
  });
}

/** Finds a forbid that denies everything to which a permit, or a forbid that would hold, applies. */
function overruled({ policy, json }: ReadPolicy, policies: readonly ReadPolicy[], vocabulary: Vocabulary): Finding | null {
  if (policy.annotated.isObserved || (policy.effect === 'forbid' && policy.annotated.approval.length === 0)) {
    return null;
  }
  const demands = demandsOf(json);
  const own = new Set(demands.map((demand) => JSON.stringify(demand)));
  const possible = factsOfScope(json, vocabulary).filter((known) => contradictionIn(demands, known) === null);
  const isAlwaysMet = (demand: (typeof demands)[number]): boolean =>
    own.has(JSON.stringify(demand)) || (possible.length > 0 && possible.every((known) => isImplied(demand, demands, known)));
  const denying = policies.find(
    ({ policy: other, json: theirs }) =>
      other.effect === 'forbid' &&
      other.annotated.approval.length === 0 &&
      !other.annotated.isObserved &&
      covers(theirs, json, vocabulary) &&
      demandsOf(theirs).every(isAlwaysMet),
  );
  if (denying === undefined) {
    return null;
  }
  const { id } = denying.policy;
  const { source } = denying.written;
  const remedy =
    source.isBuiltIn === true
      ? `it is built in, countersign policy show prints it, and a file ${source.file} of your own takes its place`
      : `give that a condition${policy.effect === 'permit' ? '' : ' or @approval'}, or remove one of them`;
  return {
    message:
      policy.effect === 'permit'
        ? `this permit never allows anything, because ${id} forbids all of it: ${remedy}`
        : `nobody is ever asked, because ${id} denies all that this policy would hold: ${remedy}`,
    words: '',
  };
}

/** Finds an obligation of a forbid that denies: nothing is ever let through with it. */
function uselessObligation({ policy: { effect, annotated } }: ReadPolicy): Finding | null {
  const useless = effect === 'forbid' && annotated.approval.length === 0 ? annotated.obligations.find(({ kind }) => kind !== 'alert') : undefined;
  return useless === undefined
    ? null
    : {
        message: `@${useless.kind} never ${useless.kind === 'limit' ? 'counts' : 'applies'} here, because what this forbid applies to is denied: put it on a permit`,
        words: `@${useless.kind}`,
      };
}

/** Finds groups that nobody is in, and requests that nobody but the one who asks could approve. The operator may approve everything. */
function unapproved({ policy: { annotated }, json }: ReadPolicy, { principals, issued }: Vocabulary): readonly (Finding | null)[] {
  const groups = annotated.approval;
  const open = groups.filter((group) => issued?.groups.includes(group) === true);
  const isEmpty = (group: string): boolean => issued?.groups.includes(group) !== true && principals.every((principal) => !principal.groups.includes(group));
  const empty = groups.filter(isEmpty);
  const { breakGlass } = annotated;
  if (breakGlass !== null && isEmpty(breakGlass)) {
    return [
      {
        message: `nobody is in the group ${JSON.stringify(breakGlass)}, so nobody could break the glass: give a principal groups: [${breakGlass}]`,
        words: '@breakglass',
      },
    ];
  }
  if (groups.length === 0 || empty.length > 0) {
    const known = [...new Set(principals.flatMap((principal) => principal.groups))];
    return empty.map((group) => {
      const meant = suggest(group, known);
      const hint = meant === null ? `give a principal groups: [${group}]` : `is ${meant} meant?`;
      return { message: `nobody is in the group ${JSON.stringify(group)}, so only the operator could approve: ${hint}`, words: '@approval' };
    });
  }
  const asking = principals.filter((principal) => includesPrincipal(json, principal));
  const isApprovable = ({ id }: { readonly id: string }): boolean =>
    canStand(
      groups,
      principals.filter((other) => other.id !== id),
    );
  return open.length > 0 || asking.length === 0 || asking.some(isApprovable)
    ? []
    : [
        {
          message: `nobody could approve: ${asking.map(({ id }) => id).join(', ')} may not approve what they ask themselves, and the groups ${groups.join(', ')} need ${groups.length} other people. Add people to them`,
          words: '@approval',
        },
      ];
}

/** True if there is a person of its own for each group. */
function canStand([group, ...others]: readonly string[], people: Vocabulary['principals']): boolean {
  return (
    group === undefined ||
    people.some(
      (person) =>
        person.groups.includes(group) &&
        canStand(
          others,
          people.filter((each) => each !== person),
        ),
    )
  );
}

/** Returns what is known of each principal and target that the scope of a policy names. Of principals that it does not name nothing is known, and so of targets. */
function factsOfScope(json: PolicyJson, vocabulary: Vocabulary): readonly KnownValues[] {
  const asking = vocabulary.principals.filter((principal) => includesPrincipal(json, principal));
  const kinds = isOpen(json, vocabulary) ? [[]] : [...new Set(asking.map(({ kind }) => kind))].map((kind) => [['principal.kind', kind] as const]);
  const targets = isAny(json.resource) ? [[]] : targetsOf(json, vocabulary).map((target) => factsOf(target, vocabulary));
  return kinds.flatMap((kind) => targets.map((target) => new Map([...knownOfScope(json), ...kind, ...target])));
}

/** True if one policy's scope includes all of another's. */
function covers(wide: PolicyJson, narrow: PolicyJson, vocabulary: Vocabulary): boolean {
  if (!coversPrincipal(wide, narrow, vocabulary)) {
    return false;
  }
  const actions = actionsOf(wide, vocabulary);
  const targets = targetsOf(wide, vocabulary);
  return (
    [...actionsOf(narrow, vocabulary)].every((name) => actions.has(name)) &&
    targetsOf(narrow, vocabulary).every((target) => targets.includes(target)) &&
    (isAny(wide.resource) || !isAny(narrow.resource))
  );
}

function coversPrincipal(wide: PolicyJson, narrow: PolicyJson, { principals }: Vocabulary): boolean {
  const [outer, inner] = [constraintName(wide.principal), constraintName(narrow.principal)];
  if (isAny(wide.principal)) {
    return true;
  }
  const groups = principals.find(({ id }) => inner === nameOf({ type: 'Principal', id }))?.groups ?? [];
  return outer !== null && (outer === inner || groups.some((id) => outer === nameOf({ type: 'Group', id })));
}

function includesPrincipal({ principal }: PolicyJson, { id, groups }: Vocabulary['principals'][number]): boolean {
  const named = constraintName(principal);
  return isAny(principal) || named === nameOf({ type: 'Principal', id }) || groups.some((group) => named === nameOf({ type: 'Group', id: group }));
}

/** True if the scope of a policy includes principals that the configuration does not name one by one. */
function isOpen({ principal }: PolicyJson, { issued = { issuers: [], groups: [] } }: Vocabulary): boolean {
  const named = constraintName(principal);
  return (
    isAny(principal) ||
    issued.groups.some((id) => named === nameOf({ type: 'Group', id })) ||
    issued.issuers.some((issuer) => named?.startsWith(nameOf({ type: 'Principal', id: `${issuer}/` })) === true)
  );
}

function targetsOf({ resource }: PolicyJson, { targets }: Vocabulary): readonly PolicyTarget[] {
  return isAny(resource) ? targets : targets.filter(({ name }) => constraintName(resource) === nameOf({ type: 'Target', id: name }));
}

/** Returns the names of the actions in the scope of a policy. */
function actionsOf({ action }: PolicyJson, { protocols }: Vocabulary): ReadonlySet<string> {
  const named = action.op === 'in' && 'entities' in action ? action.entities.map(entityName) : [constraintName(action)];
  return new Set(
    protocols.flatMap((protocol) => {
      const isWhole = isAny(action) || named.includes(nameOf({ type: 'Action', id: protocol.id }));
      return actionNames(protocol).filter((id) => isWhole || named.includes(nameOf({ type: 'Action', id })));
    }),
  );
}

/** Returns the protocols that have actions of a policy. */
export function protocolsOf(json: PolicyJson, vocabulary: Vocabulary): Vocabulary['protocols'] {
  const actions = actionsOf(json, vocabulary);
  return vocabulary.protocols.filter((protocol) => actionNames(protocol).some((name) => actions.has(name)));
}

/** True if the actions of a policy are some of the target's protocol. */
function reaches(json: PolicyJson, target: PolicyTarget, vocabulary: Vocabulary): boolean {
  return [...actionsOf(json, vocabulary)].some((name) => isActionOf(target, name, vocabulary));
}

function isActionOf({ protocol }: PolicyTarget, name: string, { protocols }: Vocabulary): boolean {
  return protocols.some((each) => each.id === protocol && actionNames(each).includes(name));
}

function factsOf({ name, protocol, tags = {} }: PolicyTarget, { targets }: Vocabulary): readonly (readonly [string, string])[] {
  const all = tagNames(targets).map((tag) => [`resource.${tag}`, tags[tag] ?? ''] as const);
  return [['resource', nameOf({ type: 'Target', id: name })], ['resource.protocol', protocol], ...all];
}

type Constraint = PolicyJson['principal' | 'action' | 'resource'];
type Entity = { readonly __entity: { readonly type: string; readonly id: string } } | { readonly type: string; readonly id: string };

function isAny({ op, ...more }: Constraint): boolean {
  return op === 'All' || (op === 'is' && !('in' in more));
}

function constraintName(constraint: Constraint): string | null {
  return (constraint.op === '==' || constraint.op === 'in') && 'entity' in constraint ? entityName(constraint.entity) : null;
}

function entityName(entity: Entity): string {
  return '__entity' in entity ? nameOf(entity.__entity) : nameOf(entity);
}
