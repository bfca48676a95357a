import type { Obligation } from '../domain/decision.ts';
import { suggest } from '../domain/suggest.ts';

/** The kind of the obligation to mask values of classes in an answer. Its parameter `classes` is in the form of the annotation. */
export const maskKind = 'mask';

/** The ways to mask a value, the strictest first. A later one tells more about the value: its form, which values are the same, its last characters. */
export const maskMethods = ['null', 'redact', 'replace', 'hash', 'last4'] as const;
export type MaskMethod = (typeof maskMethods)[number];

/** The method for each class. */
export type ClassMethods = ReadonlyMap<string, MaskMethod>;

const className = /^[a-z][a-z0-9-]{0,62}$/;

/** Reads the text of `@mask`, for instance `email, card:last4`. Returns what is wrong, if something is. */
export function readMaskText(text: string): ClassMethods | string {
  const methods = new Map<string, MaskMethod>();
  for (const part of text.split(',')) {
    const [name = '', method = 'redact', ...more] = part.trim().split(':');
    const known = maskMethods.find((each) => each === method);
    if (!className.test(name) || more.length > 0) {
      return '@mask names classes with commas, each with a method or without: @mask("email, card:last4")';
    }
    if (known === undefined) {
      const meant = suggest(method, maskMethods);
      return `@mask knows no method ${JSON.stringify(method)}${meant === null ? `; there are ${maskMethods.join(', ')}` : `: is ${meant} meant?`}`;
    }
    if (methods.has(name)) {
      return `@mask names ${name} twice`;
    }
    methods.set(name, known);
  }
  return methods;
}

/** Prints what `readMaskText` reads. The order of the classes is that of the alphabet. */
function printMaskText(methods: ClassMethods): string {
  return [...methods]
    .map(([name, method]) => `${name}:${method}`)
    .toSorted()
    .join(', ');
}

/** Joins all masks among the obligations into one, the last of the list. Where two policies name a method for one class, the stricter counts. */
export function joinMasks(obligations: readonly Obligation[]): readonly Obligation[] {
  const masks = obligations.filter(({ kind }) => kind === maskKind);
  if (masks.length === 0) {
    return obligations;
  }
  const methods = new Map<string, MaskMethod>();
  for (const mask of masks) {
    for (const [name, method] of methodsOf(mask)) {
      const known = methods.get(name);
      methods.set(name, known === undefined || maskMethods.indexOf(method) < maskMethods.indexOf(known) ? method : known);
    }
  }
  const policy = masks.map(({ parameters }) => parameters['policy'] ?? '').toSorted();
  const joined = { kind: maskKind, parameters: { classes: printMaskText(methods), policy: [...new Set(policy)].join(',') } };
  return [...obligations.filter(({ kind }) => kind !== maskKind), joined];
}

/** Returns the classes of a mask with their methods. Throws Error if nobody could have written the obligation. */
export function methodsOf({ parameters }: Obligation): ClassMethods {
  const methods = readMaskText(parameters['classes'] ?? '');
  if (typeof methods === 'string') {
    throw new Error(methods);
  }
  return methods;
}
