import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { unknownClass } from '../domain/seen.ts';
import { suggest } from '../domain/suggest.ts';
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
      const isSource = path === 'context.carries' && isOfInspected(name, vocabulary.targets);
      if (!classFacts.has(path) || name === '' || found.has(name) || isSource) {
        return [];
      }
      const words = JSON.stringify(name);
      const isKnown = vocabulary.classes.includes(name) || vocabulary.targets.some((target) => isSourceOf(name, target.name));
      const isPlace = path === 'context.carries' && name.includes('/');
      const meant = isKnown || isPlace ? null : suggest(name, [...found, ...vocabulary.classes]);
      const why = isKnown
        ? 'no target is inspected for it: name the class in inspect of those that have such values'
        : isPlace
          ? 'a source is TARGET/SCHEMA.TABLE.COLUMN or TARGET:/MEMBER, and there is no such target'
          : `there is no such class${meant === null ? ': countersign class list prints those that are built in' : `: is ${JSON.stringify(meant)} meant?`}`;
      return [problem(`${path} never has ${words}: ${why}`, words)];
    });
  });
}

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

function isOfInspected(name: string, targets: readonly PolicyTarget[]): boolean {
  return targets.some((target) => (target.inspect ?? []).length > 0 && isSourceOf(name, target.name));
}

/** True if the source of a value is a target, or a place of it. */
export function isSourceOf(name: string, target: string): boolean {
  return name === target || name.startsWith(`${target}/`) || name.startsWith(`${target}:/`);
}
