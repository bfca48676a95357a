import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { unknownClass } from '../domain/seen.ts';
import { suggest } from '../domain/suggest.ts';
import { placeForms, placePattern, type PlaceKind } from '../domain/value-place.ts';
import type { Policy } from './policy-set.ts';
import { isMask, readMaskText } from './mask-text.ts';
import type { PolicyProblem, WrittenPolicy } from './policy-text.ts';
import { comparedTexts } from './satisfiable.ts';
import type { PolicyTarget, Vocabulary } from './vocabulary.ts';

interface ReadPolicy {
  readonly policy: Policy;
  readonly json: PolicyJson;
  readonly written: WrittenPolicy;
}

const seenFacts = ['context.carries', 'context.session.classes'];
const classFacts: ReadonlySet<string> = new Set([...seenFacts, 'context.classes']);

/** Finds conditions about classes and values that no request ever fulfils, because no target is inspected for them. */
export function findUnseen(policies: readonly ReadPolicy[], vocabulary: Vocabulary): PolicyProblem[] {
  const inspected = new Set(vocabulary.targets.flatMap(({ inspect = [] }) => inspect));
  const masked = new Set(policies.flatMap(({ policy }) => maskedBy(policy)));
  return policies.flatMap(({ policy, json, written: { source, text, offset } }) => {
    const problem = (message: string, words: string): PolicyProblem => ({ source, offset: offset + Math.max(0, text.indexOf(words)), message });
    const facts = factsIn(policy);
    if (facts.length > 0 && inspected.size === 0) {
      return facts.map((fact) =>
        problem(`${fact} is always empty, because no target is inspected: name classes in inspect of those that have such values`, fact),
      );
    }
    return comparedTexts(json).flatMap(([path, name]) => {
      const found = new Set(path === 'context.classes' ? [...inspected, ...masked] : [...inspected, unknownClass]);
      const words = JSON.stringify(name);
      const target = path === 'context.carries' ? vocabulary.targets.find((each) => isSourceOf(name, each.name)) : undefined;
      const why =
        !classFacts.has(path) || name === '' || found.has(name)
          ? null
          : target === undefined
            ? whyNoClass(name, path, vocabulary)
            : whyNoSource(name, target, vocabulary);
      return why === null ? [] : [problem(`${path} never has ${words}: ${why}`, words)];
    });
  });
}

const uninspected = 'no target is inspected for it: name the class in inspect of those that have such values';

/** Says why no value is of a class for which no target is inspected. */
function whyNoClass(name: string, path: string, { classes }: Vocabulary): string {
  if (classes.includes(name)) {
    return uninspected;
  }
  if (path === 'context.carries' && name.includes('/')) {
    return `a source is ${placeForms.columns} or ${placeForms.fields}, and there is no such target`;
  }
  const meant = suggest(name, [...classes, unknownClass]);
  return `there is no such class${meant === null ? ': countersign class list prints those that are built in' : `: is ${JSON.stringify(meant)} meant?`}`;
}

/** Says why no value has this source at a target; null if one may have it. */
function whyNoSource(name: string, { name: target, protocol, inspect = [], seenPlaces = null }: PolicyTarget, { protocols }: Vocabulary): string | null {
  if (inspect.length === 0) {
    return uninspected;
  }
  const kind = protocols.find(({ id }) => id === protocol)?.valuePlaces;
  if (name === target || kind === undefined) {
    return null;
  }
  if (!sourceForms[kind].test(name)) {
    return `a source at ${target} is ${placeForms[kind]}${kind === 'fields' ? ', with * for any index' : ''}`;
  }
  const isSeen = seenPlaces === null || name.includes('*') || seenPlaces.some((place) => placePattern(place).test(name));
  return isSeen ? null : `${target} is inspected for ${inspect.join(', ')}, and this is a place of none of them`;
}

/** Matches the sources of values as they are told: a column, `*` for any, or a member that is no index. */
const sourceForms: Readonly<Record<PlaceKind, RegExp>> = { columns: /^[^/:]+\/(?:\*|.+\..+\..+)$/s, fields: /^[^/:]+:\/(?!(?:.*\/)?\d+(?:\/|$))/s };

/** Returns the facts about what a session saw of which a policy speaks. A policy that looks at the whole context may mean others. */
function factsIn({ use: { fields, session } }: Policy): readonly string[] {
  return seenFacts.filter((fact) => (fact === 'context.carries' ? fields?.has('carries') : session?.has('classes')) === true);
}

/** Returns the classes that a policy masks in requests: such a request holds them. */
function maskedBy({ annotated: { obligations } }: Policy): readonly string[] {
  return obligations.flatMap(({ kind, parameters: { classes = '' } }) => {
    const read = isMask(kind) && kind === 'mask_request' ? readMaskText(kind, classes) : '';
    return typeof read === 'string' ? [] : [...read.keys()];
  });
}

/** True if the source of a value is a target, or a place of it. */
export function isSourceOf(name: string, target: string): boolean {
  return name === target || name.startsWith(`${target}/`) || name.startsWith(`${target}:/`);
}
