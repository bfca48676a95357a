import type { Obligation } from '../domain/decision.ts';
import { recordKind } from '../domain/facts-only.ts';
import { suggest } from '../domain/suggest.ts';

/**
 * The ways to mask a value, the strictest first. A later one tells more about the value: its form, which values are the same, its last characters. `pseudonym`
 * is put back in answers.
 */
const methods = ['null', 'redact', 'replace', 'hash', 'pseudonym', 'last4'] as const;
export type MaskMethod = (typeof methods)[number];

/** The annotations that mask, each of which is also the kind of its obligation: values in answers, values in requests. Their methods, the strictest first. */
export const masks = { mask: methods.filter((each) => each !== 'pseudonym'), mask_request: methods } as const;
export type MaskKind = keyof typeof masks;

/** The method for each class. */
export type ClassMethods = ReadonlyMap<string, MaskMethod>;

const kinds: readonly MaskKind[] = ['mask_request', 'mask'];
const className = /^[a-z][a-z0-9-]{0,62}$/;

export function isMask(kind: string): kind is MaskKind {
  return kind in masks;
}

export function masksRequest({ kind }: Obligation): boolean {
  return kind === 'mask_request';
}

/** True if an obligation says what the record has of a request. It counts for a request that is denied too. */
export function isAboutRecord(obligation: Obligation): boolean {
  return obligation.kind === recordKind || masksRequest(obligation);
}

/** Reads the text of an annotation that masks, for instance `email, card:last4`. Returns what is wrong, if something is. */
export function readMaskText(kind: MaskKind, text: string): ClassMethods | string {
  const read = new Map<string, MaskMethod>();
  for (const part of text.split(',')) {
    const [name = '', method = 'redact', ...more] = part.trim().split(':');
    const known = masks[kind].find((each) => each === method);
    if (!className.test(name) || more.length > 0) {
      return `@${kind} names classes with commas, each with a method or without: @${kind}("email, card:last4")`;
    }
    if (known === undefined) {
      const meant = suggest(method, masks[kind]);
      return `@${kind} knows no method ${JSON.stringify(method)}${meant === null ? `; there are ${masks[kind].join(', ')}` : `: is ${meant} meant?`}`;
    }
    if (read.has(name)) {
      return `@${kind} names ${name} twice`;
    }
    read.set(name, known);
  }
  return read;
}

/**
 * Joins all masks of each kind among the obligations into one, behind the others: what is put back in an answer is masked there too. Where two policies name a
 * method for one class, the stricter counts.
 */
export function joinMasks(obligations: readonly Obligation[]): readonly Obligation[] {
  if (!obligations.some(({ kind }) => isMask(kind))) {
    return obligations;
  }
  const joined = kinds.flatMap((kind) => {
    const own = obligations.filter((each) => each.kind === kind);
    return own.length === 0 ? [] : joinedMask(kind, own);
  });
  return [...obligations.filter(({ kind }) => !isMask(kind)), ...joined];
}

/** True if one class is masked by a stricter method than another. */
export function isStricter(read: ClassMethods, one: string, other: string): boolean {
  return strictness(read.get(one) ?? 'last4') < strictness(read.get(other) ?? 'last4');
}

function strictness(method: MaskMethod): number {
  return methods.indexOf(method);
}

function joinedMask(kind: MaskKind, own: readonly Obligation[]): Obligation {
  const joined = new Map<string, MaskMethod>();
  for (const [name, method] of own.flatMap((each) => [...methodsOf(each)])) {
    const known = joined.get(name);
    joined.set(name, known === undefined || strictness(method) < strictness(known) ? method : known);
  }
  const classes = [...joined].map(([name, method]) => `${name}:${method}`).toSorted();
  const policies = [...new Set(own.map(({ parameters }) => parameters['policy'] ?? ''))].toSorted();
  return { kind, parameters: { classes: classes.join(', '), policy: policies.join(',') } };
}

/** Returns the classes of an obligation that masks, with their methods. Throws Error if nobody could have written it. */
export function methodsOf({ kind, parameters }: Obligation): ClassMethods {
  const read = isMask(kind) ? readMaskText(kind, parameters['classes'] ?? '') : `${kind} does not mask`;
  if (typeof read === 'string') {
    throw new Error(read);
  }
  return read;
}
