import { isDeepStrictEqual } from 'node:util';
import { changeEnvironment } from '../domain/environment.ts';
import { continueSession } from '../domain/record.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Extent, Names, Reach, RecordingRules } from '../domain/recording-rules.ts';
import { unknownClass } from '../domain/seen.ts';
import { parseQuery } from '../query/parse-query.ts';
import { both, either, everything, except, isEverything, isNothing, nothing, type Query, type ValueTest } from '../query/query.ts';
import { builtInRoles, type Role } from './roles.ts';
import { actNames, type Act } from '../domain/recording-acts.ts';

/** Something that somebody may do with the records of a scope. */
export interface Right {
  readonly may: readonly string[];
  readonly scope: Query;
}

/** How far somebody sees: the records of which they see anything, and those of them of which they see the content too. */
export interface Sight {
  readonly facts: Query;
  readonly content: Query;
}

/** The records with which a session begins and ends, and those that state its environment. They belong to no target, and say nothing of what was done in it. */
export const frames: Query = either([...equal('kind', ['open', 'close']), ...equal('action', [changeEnvironment])]);
/** The records that belong to no target and say what was done in a session before, at all of its targets. */
const histories: Query = either(equal('action', [continueSession]));

/** The rights of who holds the keys. */
export const allRights: readonly Right[] = [{ may: actNames, scope: everything }];
export const wholeSight: Sight = { facts: everything, content: everything };

/** Returns the rights that roles give to a principal. Ages in their conditions count from `nowMs`. */
export function rightsOf(roles: readonly Role[], principal: string, nowMs: number): readonly Right[] {
  return roles.map(({ role, may, conditions }) => {
    const own = builtInRoles[role].limit === 'own' ? [recordsOf(principal)] : [];
    return { may, scope: withoutFrames(both([...own, ...conditions.map((condition) => parseQuery(condition, nowMs))])) };
  });
}

/** Returns the rights of a principal as policies leave them: with what they permit, and without what they forbid. */
export function ruledRights(rights: readonly Right[], { rules }: RecordingRules, principal: string): readonly Right[] {
  const isRuled = (act: string): boolean => rules.some((rule) => rule.act === act);
  const left = rights.map(({ may, scope }) => ({ may: may.filter((act) => !isRuled(act)), scope }));
  const ruled = rules.map((rule) => ({
    may: [rule.act],
    scope: withoutFrames(both([either([scopeOf(rights, rule.act), reached(rule.permitted, principal)]), except(reached(rule.forbidden, principal))])),
  }));
  return rules.length === 0 ? rights : [...left, ...ruled];
}

/** Returns the records that policies forbid a principal an act with. */
export function forbiddenTo(principal: string, { rules }: RecordingRules, act: Act): Query {
  return either(rules.flatMap((rule) => (rule.act === act ? [reached(rule.forbidden, principal)] : [])));
}

/** Otherwise every session would be there for a scope that says only which records are not in it, and with some what was done at any target. */
function withoutFrames(scope: Query): Query {
  return isEverything(scope) || isNothing(scope) ? scope : both([scope, except(either([frames, histories]))]);
}

function reached({ own, others }: Reach, principal: string): Query {
  const [mine, records, recordsOfOthers] = [recordsOf(principal), extended(own), extended(others)];
  return isDeepStrictEqual(own, others) ? records : either([both([mine, records]), both([except(mine), recordsOfOthers])]);
}

function extended({ targets: { isAllBut, names }, gateway, classes }: Extent): Query {
  const [named, ofTargets] = [either(equal('target', names)), anyValue('target')];
  const atTargets = !isAllBut ? named : gateway ? except(named) : both([ofTargets, except(named)]);
  return either([atTargets, gateway && !isAllBut ? except(ofTargets) : nothing, withClasses(classes)]);
}

/**
 * Returns the records that have values of some classes, or carry them on, or of which nobody knows whether they have. Sources of values that are carried on have a
 * slash, and no class has.
 */
function withClasses({ isAllBut, names }: Names): Query {
  if (!isAllBut && names.length === 0) {
    return nothing;
  }
  const others = (field: string): Query => ({
    is: 'term',
    field,
    test: { by: 'none', tests: [...names.map(equalTest), { by: 'like', texts: ['', '/', ''] }] },
  });
  const having = (field: string): readonly Query[] => (isAllBut ? [others(field)] : equal(field, names));
  return either([
    ...having('class'),
    ...having(ownAttributes.carries),
    ...equal(ownAttributes.carries, [unknownClass]),
    ...equal(ownAttributes.inspected, ['false']),
  ]);
}

/** Returns a query in which each question for the values of a class also holds for what carries them on, and for what nobody knows. */
export function withUnknown(query: Query): Query {
  switch (query.is) {
    case 'and':
    case 'or':
      return { is: query.is, parts: query.parts.map(withUnknown) };
    case 'term':
      return query.field === 'class' && query.test.by === 'equal' ? withClasses({ isAllBut: false, names: [query.test.value] }) : query;
    default:
      return query;
  }
}

function equalTest(value: string): ValueTest {
  return { by: 'equal', value };
}

function equal(field: string, values: readonly string[]): readonly Query[] {
  return values.map((value) => ({ is: 'term', field, test: equalTest(value) }));
}

function anyValue(field: string): Query {
  return { is: 'term', field, test: { by: 'like', texts: ['', ''] } };
}

/** Returns the query that holds for the records with which an act is allowed. */
export function scopeOf(rights: readonly Right[], act: Act): Query {
  return either(rights.flatMap(({ may, scope }) => (may.includes(act) ? [scope] : [])));
}

export function mayDo(rights: readonly Right[], act: Act): boolean {
  return !isNothing(scopeOf(rights, act));
}

/** Returns what is seen of records when an act is done with them. */
export function sightOf(rights: readonly Right[], act: Act): Sight {
  return { facts: scopeOf(rights, act), content: scopeOf(rights, 'content') };
}

/**
 * Returns the rights without the content of records that have, or carry on, values of classes which nobody reads alone, or of which nobody knows whether they have, but
 * for the records that a second person has opened.
 */
export function withoutGuarded(
  rights: readonly Right[],
  { classes, opened }: { readonly classes: readonly string[]; readonly opened: readonly Query[] },
): readonly Right[] {
  if (classes.length === 0) {
    return rights;
  }
  const readable = either([except(withClasses({ isAllBut: false, names: classes })), ...opened]);
  return rights.flatMap(({ may, scope }) => [
    { may: may.filter((act) => act !== 'content'), scope },
    { may: may.filter((act) => act === 'content'), scope: both([scope, readable]) },
  ]);
}

/**
 * Returns the records that somebody who gets whole sessions may be given. Besides those of the rights these are the beginnings and ends of sessions, but for those that
 * have the end of an answer with values that nobody reads alone. `contentAlone` are the records whose content needs no second person.
 */
export function givenWhole(rights: readonly Right[], contentAlone: Query): Query {
  return either([scopeOf(rights, 'content'), both([frames, contentAlone])]);
}

/** Returns an act that some rights allow and others do not, or not with all of the same records; null if there is none. */
export function actBeyond(rights: readonly Right[], others: readonly Right[]): Act | null {
  const beyond = actNames.find((act) => {
    const [scope, known] = [scopeOf(rights, act), scopeOf(others, act)];
    return !isNothing(scope) && !isEverything(known) && !isDeepStrictEqual(scope, known);
  });
  return beyond ?? null;
}

function recordsOf(principal: string): Query {
  return either(['principal', 'on-behalf-of'].flatMap((field) => equal(field, [principal])));
}
