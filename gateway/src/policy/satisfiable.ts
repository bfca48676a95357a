import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

/** An expression of Cedar as JSON: one member, which names what it is. */
type Expression = Readonly<Record<string, unknown>>;

type Literal = string | number | boolean;

/** The values that are known of members of the request, each by its path: `resource.zone`. An entity is known as `TYPE ID`. */
export type KnownValues = ReadonlyMap<string, Literal>;

/** Why no request satisfies a condition, and the words of the policy where that is best shown. */
export interface Contradiction {
  readonly why: string;
  readonly words: string;
}

/** A condition that must hold, or must not. */
interface Demand {
  readonly expression: Expression;
  readonly holds: boolean;
}

/** Most alternatives of one policy that are looked at. Beyond it nothing is said about the policy. */
const alternativesMax = 256;

const ranges: Readonly<Record<string, readonly [number, number]>> = { 'context.hour': [0, 23], 'context.weekday': [1, 7] };
const texts: Readonly<Record<string, readonly string[]>> = { 'principal.kind': ['human', 'agent'] };

/** Returns the conditions of a policy that must all hold. */
export function demandsOf({ conditions }: PolicyJson): readonly Demand[] {
  return conditions.flatMap(({ kind, body }) => conjuncts({ expression: body, holds: kind === 'when' }));
}

/** Divides a demand into those that must all hold for it. */
function conjuncts(demand: Demand): readonly Demand[] {
  const { expression, holds } = demand;
  const arg = childOf(expression['!'], 'arg');
  if (arg !== null) {
    return conjuncts({ expression: arg, holds: !holds });
  }
  const sides = sidesOf(expression[holds ? '&&' : '||']);
  return sides === null ? [demand] : sides.flatMap((side) => conjuncts({ expression: side, holds }));
}

/**
 * Finds out whether no request can satisfy all demands. It understands comparisons of members with constants, their negations and alternatives; of anything else
 * it takes for granted that some request satisfies it. Null: a request may satisfy them.
 */
export function contradictionIn(demands: readonly Demand[], known: KnownValues): Contradiction | null {
  let alternatives = 0;
  const solve = (open: readonly Demand[]): Contradiction | null => {
    alternatives += 1;
    if (alternatives > alternativesMax) {
      return null;
    }
    const divided = open.map((demand) => ({ demand, sides: sidesOf(demand.expression[demand.holds ? '||' : '&&']) }));
    const chosen = divided.find(({ sides }) => sides !== null);
    if (chosen === undefined) {
      return contradictionOf(open, known);
    }
    const others = open.filter((demand) => demand !== chosen.demand);
    let first: Contradiction | null = null;
    for (const side of chosen.sides ?? []) {
      const found = solve([...others, ...conjuncts({ expression: side, holds: chosen.demand.holds })]);
      if (found === null) {
        return null;
      }
      first ??= found;
    }
    return first;
  };
  return solve(demands);
}

/** True if a demand holds for every request that satisfies `others`. Where that cannot be judged it is false. */
export function isImplied({ expression, holds }: Demand, others: readonly Demand[], known: KnownValues): boolean {
  return contradictionIn([...others, ...conjuncts({ expression, holds: !holds })], known) !== null;
}

/** The values that a member may have. */
interface Allowed {
  oneOf: readonly Literal[] | null;
  readonly noneOf: Literal[];
  least: number;
  most: number;
}

function contradictionOf(demands: readonly Demand[], known: KnownValues): Contradiction | null {
  const seen = new Map<string, boolean>();
  const allowed = new Map<string, Allowed>();
  for (const { expression, holds } of demands) {
    const key = JSON.stringify(expression);
    if (seen.get(key) === !holds) {
      return { why: 'it demands a condition and its opposite', words: wordsOf(expression) };
    }
    seen.set(key, holds);
    const found = expression['Value'] === !holds ? { why: 'it demands what is always false', words: '' } : impossible({ expression, holds }, known, allowed);
    if (found !== null) {
      return found;
    }
  }
  return null;
}

/** Narrows what members may be by one demand. Returns a contradiction if nothing is left. */
function impossible({ expression, holds }: Demand, known: KnownValues, allowed: Map<string, Allowed>): Contradiction | null {
  const comparison = comparisonOf(expression, holds);
  if (comparison === null) {
    return null;
  }
  const { path, operator, values } = comparison;
  const values0 = values[0];
  const now: Allowed = allowed.get(path) ?? startOf(path, known);
  allowed.set(path, now);
  if (operator === '==') {
    now.oneOf = now.oneOf?.filter((value) => values.includes(value)) ?? values;
  } else if (operator === '!=') {
    now.noneOf.push(...values);
  } else if (typeof values0 === 'number') {
    now.least = Math.max(now.least, operator === '>' ? values0 + 1 : operator === '>=' ? values0 : -Infinity);
    now.most = Math.min(now.most, operator === '<' ? values0 - 1 : operator === '<=' ? values0 : Infinity);
  }
  const left = now.oneOf?.filter((value) => !now.noneOf.includes(value) && (typeof value !== 'number' || (value >= now.least && value <= now.most)));
  return left?.length === 0 || now.least > now.most ? { why: whyNot(path, known), words: path } : null;
}

function startOf(path: string, known: KnownValues): Allowed {
  const value = known.get(path);
  const [least, most] = ranges[path] ?? [path.startsWith('context.session.') ? 0 : -Infinity, Infinity];
  return { oneOf: value === undefined ? (texts[path] ?? null) : [value], noneOf: [], least, most };
}

function whyNot(path: string, known: KnownValues): string {
  const range = ranges[path];
  const named = texts[path];
  if (range !== undefined) {
    return `${path} is ${range[0]} to ${range[1]}, and no number of these is as it says`;
  }
  if (named !== undefined) {
    return `${path} is ${named.map((each) => JSON.stringify(each)).join(' or ')}, and not as it says`;
  }
  return known.has(path) ? `${path} is not as it says` : `no value of ${path} is as it says`;
}

type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=';

interface Comparison {
  readonly path: string;
  readonly operator: Operator;
  /** One value, or the values of which the member is one. */
  readonly values: readonly Literal[];
}

const opposites: Readonly<Record<Operator, Operator>> = { '==': '!=', '!=': '==', '<': '>=', '<=': '>', '>': '<=', '>=': '<' };
const turned: Readonly<Record<Operator, Operator>> = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
const operators: readonly Operator[] = ['==', '!=', '<', '<=', '>', '>='];

/** Reads an expression as a comparison of a member with constants. Null: it is none. */
function comparisonOf(expression: Expression, holds: boolean): Comparison | null {
  const whole = pathOf(expression);
  if (whole !== null) {
    return { path: whole, operator: '==', values: [holds] };
  }
  for (const operator of operators) {
    const [left, right] = sidesOf(expression[operator]) ?? [];
    if (left !== undefined && right !== undefined) {
      const [path, value, own] = pathOf(left) === null ? [pathOf(right), literalOf(left), turned[operator]] : [pathOf(left), literalOf(right), operator];
      return path === null || value === null ? null : { path, operator: holds ? own : opposites[own], values: [value] };
    }
  }
  const [list, item] = sidesOf(expression['contains']) ?? [];
  const [entity, entities] = sidesOf(expression['in']) ?? [];
  const path = item === undefined ? (entity === undefined ? null : pathOf(entity)) : pathOf(item);
  const values = list === undefined ? (entities === undefined ? null : literalsOf(entities)) : literalsOf(list);
  // A principal is in its groups too, so only targets are compared by `in`.
  const isKnown = path !== null && values !== null && (item !== undefined || path === 'resource');
  return isKnown ? { path, operator: holds ? '==' : '!=', values } : null;
}

/** Returns each text with which a policy compares a member, as `[PATH, TEXT]`, wherever it does. For a set, these are the texts that are sought in it. */
export function comparedTexts({ conditions }: PolicyJson): readonly (readonly [path: string, text: string])[] {
  const found: (readonly [string, string])[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      value.forEach(visit);
    } else if (isNode(value)) {
      for (const operator of ['==', '!=', 'contains', 'containsAll', 'containsAny']) {
        const [left, right] = sidesOf(value[operator]) ?? [];
        if (left !== undefined && right !== undefined) {
          const path = pathOf(left) ?? pathOf(right);
          const sought = [...(literalsOf(left) ?? []), ...(literalsOf(right) ?? [])].filter((each) => typeof each === 'string');
          found.push(...sought.flatMap((each) => (path === null ? [] : [[path, each] as const])));
        }
      }
      Object.values(value).forEach(visit);
    }
  };
  visit(conditions);
  return found;
}

/** Returns each constant with which a policy compares a tag of the target for equality, as `[TAG, VALUE]`. */
export function comparedTags(demands: readonly Demand[]): readonly (readonly [string, string])[] {
  return demands.flatMap(({ expression, holds }) => {
    const sides = sidesOf(expression['||']) ?? sidesOf(expression['&&']);
    if (sides !== null) {
      return comparedTags(sides.flatMap((side) => conjuncts({ expression: side, holds })));
    }
    const { path = '', operator, values = [] } = comparisonOf(expression, holds) ?? {};
    const [variable, tag = '', ...more] = path.split('.');
    return variable === 'resource' && tag !== '' && tag !== 'protocol' && more.length === 0 && operator === '=='
      ? values.flatMap((value) => (typeof value === 'string' ? [[tag, value] as const] : []))
      : [];
  });
}

/** Returns the path of a member: `context.session.tables`, or of a variable: `resource`. Null: the expression is something else. */
function pathOf(expression: Expression): string | null {
  if (typeof expression['Var'] === 'string') {
    return expression['Var'];
  }
  const access = expression['.'];
  const left = childOf(access, 'left');
  const before = left === null ? null : pathOf(left);
  const attribute = isNode(access) ? access['attr'] : null;
  return before === null || typeof attribute !== 'string' ? null : `${before}.${attribute}`;
}

/** Returns the words by which an expression is found in the text of its policy. */
function wordsOf(expression: Expression): string {
  const path = pathOf(expression);
  if (path !== null) {
    return path;
  }
  for (const value of Object.values(expression)) {
    const found = isNode(value) ? wordsOf(value) : '';
    if (found !== '') {
      return found;
    }
  }
  return '';
}

function literalsOf(expression: Expression): readonly Literal[] | null {
  const set = expression['Set'];
  if (!Array.isArray(set)) {
    const value = literalOf(expression);
    return value === null ? null : [value];
  }
  const values = set.map((each: unknown) => (isNode(each) ? literalOf(each) : null));
  return values.every((value) => value !== null) ? values : null;
}

function literalOf({ Value: value }: Expression): Literal | null {
  const entity = isNode(value) ? value['__entity'] : null;
  if (isNode(entity)) {
    return `${String(entity['type'])} ${String(entity['id'])}`;
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function sidesOf(value: unknown): readonly [Expression, Expression] | null {
  const [left, right] = [childOf(value, 'left'), childOf(value, 'right')];
  return left === null || right === null ? null : [left, right];
}

function childOf(value: unknown, name: string): Expression | null {
  const child = isNode(value) ? value[name] : null;
  return isNode(child) ? child : null;
}

function isNode(value: unknown): value is Expression {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
