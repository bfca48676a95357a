import { z } from 'zod';
import { suggest } from '../domain/suggest.ts';
import type { Problem } from './locate.ts';

/** Most unknown keys of an object of which it is said what was probably meant. */
const saidMax = 100;

/** True for a field that takes no value at all: it is there for a message of its own. */
export function isRefused(schema: z.core.$ZodType): boolean {
  const { type, innerType }: z.core.$ZodTypeDef & { readonly innerType?: z.core.$ZodType } = schema._zod.def;
  return type === 'never' || (innerType !== undefined && isRefused(innerType));
}

/** An object with these keys and no others. Each unknown key gives one line of the error, in the order of the issue's `keys`. */
export function closed<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape).filter((key) => shape[key] !== undefined && !isRefused(shape[key]));
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, saidMax)
            .map((key) => unknownKey(key, known))
            .join('\n')
        : `${known.join(', ')} are expected here`,
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = suggest(key, known);
  return meant === null ? `this is not known here; known are ${known.join(', ')}` : `this is not known here: is ${meant} meant?`;
}

/** Returns the problems of an issue, each unknown key of a closed object by itself. */
export function problemsOf(issue: z.core.$ZodIssue): Extract<Problem, { readonly path: unknown }>[] {
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, i) => ({ path: [...issue.path, key], at: 'key', message: messages[i] ?? issue.message }));
  }
  // For a malformed name, its own message says more than that the key is invalid.
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [{ path: issue.path, message, ...(issue.code === 'invalid_key' ? { at: 'key' } : {}) }];
}
