import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PartialAuthorizationCall, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { targetEntity } from './authorizer.ts';
import { loadCedar, type CedarLibrary } from './cedar-library.ts';
import { jointUse } from './policy-json.ts';
import type { Policy } from './policy-set.ts';
import type { PossibleAsker } from './possible-access.ts';
import { contradictionIn, demandsOf, isImplied } from './satisfiable.ts';
import type { PolicyTarget } from './vocabulary.ts';

/** Most characters of policies that are evaluated in one turn of the event loop. */
const turnCharactersMax = 8 * 1024;
/** Most characters of a condition that are shown. */
const whenCharactersMax = 2000;
/** The name of somebody of whom only the groups are known. No principal has it. */
const somebody = '?';
/** The functions of Cedar that cannot fail on values of their types. Its arithmetic can: it does not overflow silently. */
const safeFunctions = new Set(['ip', 'decimal', 'datetime', 'duration', 'isIpv4', 'isIpv6', 'isLoopback', 'isMulticast', 'isInRange', 'unknown']);
const arithmetic = new Set(['+', '-', '*', 'neg']);

/** An expression of Cedar as JSON. */
type Node = Readonly<Record<string, unknown>>;

/** To which requests a policy applies that fits by its scope. */
export interface Applicability {
  readonly applies: 'always' | 'sometimes' | 'never';
  /** The condition that must hold of a request. Null: there is none, or it cannot be said. */
  readonly when: string | null;
  /** True if the policy may fail on a request. */
  readonly mayFail: boolean;
}

/** Where a policy is evaluated. `fields` are the names of the facts that its requests may have, `sessionFields` those of what the session did. */
export interface Place {
  readonly asker: PossibleAsker;
  readonly target: Pick<PolicyTarget, 'name' | 'protocol' | 'tags'>;
  readonly action: string;
  readonly fields: readonly string[];
  readonly sessionFields: readonly string[];
  /** The names of the tags that any target has. */
  readonly tags: readonly string[];
}

const never: Applicability = { applies: 'never', when: null, mayFail: false };
/** Nothing is said of it. */
const unclear: Applicability = { applies: 'sometimes', when: null, mayFail: true };

/** Has Cedar evaluate policies as far as is known who asks and where. What is left of a policy are its conditions on the request. */
export class PartialEvaluator {
  readonly #read = new Map<string, PolicyJson>();
  /** An instance that decides nothing: one that throws is of no more use. It is loaded when somebody asks. */
  #cedar: CedarLibrary | null = null;

  /** Evaluates policies that fit by their scope, some in each turn of the event loop. Rejects with an Error if Cedar cannot. */
  async evaluate(policies: readonly Policy[], place: Place): Promise<ReadonlyMap<string, Applicability>> {
    const found = new Map<string, Applicability>();
    for (const some of inTurns(policies)) {
      for (const [id, applicability] of this.#evaluate(some, place)) {
        found.set(id, applicability);
      }
      await nextTurn();
    }
    return found;
  }

  #evaluate(policies: readonly Policy[], place: Place): ReadonlyMap<string, Applicability> {
    try {
      const cedar = (this.#cedar ??= loadCedar());
      const read = policies.map((policy) => [policy.id, this.#jsonOf(cedar, policy)] as const).filter(([, json]) => isExact(json));
      const staticPolicies = Object.fromEntries(read.map(([id, json]) => [id, evaluable(json, place.asker)]));
      const answer = cedar.isAuthorizedPartial({ ...questionOf(policies, place), policies: { staticPolicies } });
      if (answer.type === 'failure') {
        throw new Error(`Cedar cannot evaluate the policies: ${answer.errors[0]?.message ?? ''}`);
      }
      const { residuals, errored } = answer.response;
      return new Map(
        policies.map(({ id }) => {
          const left = residuals[id];
          return [id, errored.includes(id) || left === undefined || !isExact(left) ? unclear : applicabilityOf(cedar, left)];
        }),
      );
    } catch (error) {
      this.#cedar = null;
      throw error;
    }
  }

  #jsonOf(cedar: CedarLibrary, { id, text }: Policy): PolicyJson {
    const known = this.#read.get(id);
    if (known !== undefined) {
      return known;
    }
    const answer = cedar.policyToJson(text);
    if (answer.type === 'failure') {
      throw new Error(`Cedar does not accept what it accepted before: ${answer.errors[0]?.message ?? ''}`);
    }
    this.#read.set(id, answer.json);
    return answer.json;
  }
}

function inTurns(policies: readonly Policy[]): readonly (readonly Policy[])[] {
  const turns: Policy[][] = [];
  let left = 0;
  for (const policy of policies) {
    left -= policy.text.length;
    if (left < 0) {
      turns.push([]);
      left = turnCharactersMax - policy.text.length;
    }
    turns.at(-1)?.push(policy);
  }
  return turns;
}

/** Returns a policy without what its scope says of names, which the caller has compared, and with unknown values where it looks at an unknown name. */
function evaluable(policy: PolicyJson, { id }: PossibleAsker): PolicyJson {
  const any = { op: 'All' } as const;
  const within = [policy.principal, policy.resource].flatMap((constraint, i) =>
    constraint.op === 'is' && constraint.in !== undefined && 'entity' in constraint.in
      ? [{ kind: 'when' as const, body: { in: { left: { Var: i === 0 ? 'principal' : 'resource' }, right: { Value: { __entity: constraint.in.entity } } } } }]
      : [],
  );
  const conditions = [...within, ...policy.conditions];
  const asked = id === null ? withUnknownName(conditions) : conditions;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these are conditions of Cedar, in which an expression stands for a variable
  return { effect: policy.effect, principal: any, action: any, resource: any, conditions: asked as PolicyJson['conditions'] };
}

/** Puts an unknown value where the name of the principal decides. Its attributes and its groups are known. */
function withUnknownName(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withUnknownName);
  }
  if (!isNode(value)) {
    return value;
  }
  if (value['Var'] === 'principal') {
    return unknown('principal');
  }
  return Object.fromEntries(
    Object.entries(value).map(([operator, operands]) => [operator, isOfKnown(operator, operands) ? operands : withUnknownName(operands)]),
  );
}

/** True for an access to an attribute of the principal, a test of its type, or of whether it is in groups. */
function isOfKnown(operator: string, operands: unknown): boolean {
  if (!isNode(operands) || !isNode(operands['left']) || operands['left']['Var'] !== 'principal') {
    return false;
  }
  const within = operator === 'in' ? operands['right'] : operands['in'];
  return ['.', 'has', 'is', 'in'].includes(operator) && (within === undefined || areGroups(within));
}

function areGroups(value: unknown): boolean {
  if (!isNode(value)) {
    return false;
  }
  const { Set: members, Value: literal } = value;
  const entity = isNode(literal) ? literal['__entity'] : null;
  return Array.isArray(members) ? members.every(areGroups) : isNode(entity) && entity['type'] === 'Group';
}

function questionOf(policies: readonly Policy[], { asker, target, action, fields, sessionFields, tags }: Place): Omit<PartialAuthorizationCall, 'policies'> {
  const use = jointUse(policies);
  const asUnknown = (names: readonly string[], used: ReadonlySet<string> | null, path: string): Record<string, ReturnType<typeof unknownValue>> =>
    Object.fromEntries(names.filter((name) => used?.has(name) ?? true).map((name) => [name, unknownValue(`${path}.${name}`)]));
  const who = { type: 'Principal', id: asker.id ?? somebody };
  const what = targetEntity(target, tags);
  const done = { uid: { type: 'Action', id: action }, attrs: {}, parents: [{ type: 'Action', id: target.protocol }] };
  const attrs = {
    kind: asker.kind ?? unknownValue('principal.kind'),
    groups: [...asker.groups],
    onBehalfOf: unknownValue('principal.onBehalfOf'),
  };
  return {
    principal: who,
    action: done.uid,
    resource: what.uid,
    context: { ...asUnknown(fields, use.fields, 'context'), session: asUnknown(sessionFields, use.session, 'context.session') },
    entities: [{ uid: who, attrs, parents: asker.groups.map((id) => ({ type: 'Group', id })) }, what, done],
    validateRequest: false,
  };
}

/** A value that is not known, as Cedar takes it in a request. It is named by its path. */
function unknownValue(path: string): { readonly __extn: { readonly fn: string; readonly arg: string } } {
  return { __extn: { fn: 'unknown', arg: path } };
}

/** An unknown value as a part of an expression. */
function unknown(path: string): Node {
  return { unknown: [{ Value: path }] };
}

/** Says to which requests the rest of a policy applies. */
function applicabilityOf(cedar: CedarLibrary, left: PolicyJson): Applicability {
  const body = left.conditions.map(({ body: each }) => readable(each)).reduce<Node | null>((all, each) => (all === null ? each : joined(all, each)), null);
  if (body === null || body['Value'] === true) {
    return { applies: 'always', when: null, mayFail: false };
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a condition of Cedar, in which some operators were turned
  const rest = { ...left, conditions: [{ kind: 'when', body }] } as PolicyJson;
  const demands = demandsOf(rest);
  const fails = mayFail(body);
  if (!fails && contradictionIn(demands, new Map()) !== null) {
    return never;
  }
  if (!fails && demands.every((demand) => isImplied(demand, [], new Map()))) {
    return { applies: 'always', when: null, mayFail: false };
  }
  return { applies: 'sometimes', when: printed(cedar, rest), mayFail: fails };
}

function printed(cedar: CedarLibrary, policy: PolicyJson): string {
  const answer = cedar.policyToText(policy);
  const text = answer.type === 'failure' ? 'this cannot be printed' : answer.text.replace(/^.*? when \{ (.*) \};$/s, '$1').replace(/^\((.*)\)$/s, unlessSplit);
  return text.length > whenCharactersMax ? `${text.slice(0, whenCharactersMax)} …` : text;
}

/** Returns an expression without the brackets around all of it, if these are one pair. */
function unlessSplit(whole: string, inner: string): string {
  let depth = 0;
  for (const each of inner) {
    depth += each === '(' ? 1 : each === ')' ? -1 : 0;
    if (depth < 0) {
      return whole;
    }
  }
  return inner;
}

/** Returns what is left of an expression in the words in which people write it: with the paths of what is unknown, and without what is always true. */
function readable(value: unknown): Node {
  if (!isNode(value)) {
    return { Value: value };
  }
  const [name] = Array.isArray(value['unknown']) ? value['unknown'] : [];
  if (isNode(name) && typeof name['Value'] === 'string') {
    const [variable = '', ...attributes] = name['Value'].split('.');
    return attributes.reduce<Node>((left, attr) => ({ '.': { left, attr } }), { Var: variable });
  }
  const node = Object.fromEntries(Object.entries(value).map(([operator, operands]) => [operator, operator === 'Value' ? operands : readableIn(operands)]));
  for (const operator of ['&&', '||'] as const) {
    const both = node[operator];
    if (isNode(both) && isNode(both['left']) && isNode(both['right'])) {
      return joined(both['left'], both['right'], operator);
    }
  }
  return opposite(node);
}

function readableIn(operands: unknown): unknown {
  if (Array.isArray(operands)) {
    return operands.map(readable);
  }
  return isNode(operands)
    ? Object.fromEntries(Object.entries(operands).map(([side, operand]) => [side, isNode(operand) ? readable(operand) : operand]))
    : operands;
}

/** Joins two conditions, and leaves out one that changes nothing. */
function joined(left: Node, right: Node, operator: '&&' | '||' = '&&'): Node {
  const neutral = operator === '&&';
  return left['Value'] === neutral ? right : right['Value'] === neutral ? left : { [operator]: { left, right } };
}

const opposites: Readonly<Record<string, string>> = { '<=': '>', '<': '>=', '>': '<=', '>=': '<', '==': '!=' };

/** Cedar evaluates `a > b` as `!(a <= b)`. */
function opposite(node: Node): Node {
  const inner = isNode(node['!']) ? node['!']['arg'] : null;
  const [operator = ''] = isNode(inner) ? Object.keys(inner) : [];
  const turned = opposites[operator];
  return turned === undefined || !isNode(inner) ? node : { [turned]: inner[operator] };
}

/** True if the evaluation of an expression may fail, although its types are right. */
function mayFail(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.some(mayFail);
  }
  return (
    isNode(value) &&
    Object.entries(value).some(
      ([name, operands]) =>
        arithmetic.has(name) || (Array.isArray(operands) && name !== 'Set' && name !== 'pattern' && !safeFunctions.has(name)) || mayFail(operands),
    )
  );
}

/** True if all numbers of a policy are as they are written: beyond 2^53 JSON rounds them. */
function isExact(value: unknown): boolean {
  return typeof value === 'number' ? Number.isSafeInteger(value) : typeof value !== 'object' || value === null || Object.values(value).every(isExact);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
