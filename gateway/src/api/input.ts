import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import { plainFault } from '../domain/plain-faults.ts';

/** Parses what was sent. Throws GatewayError `malformed`, which says what was expected and where. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, sent: unknown): z.output<Schema> {
  const outcome = schema.safeParse(sent, { error: plainFault });
  if (!outcome.success) {
    throw new GatewayError('malformed', wordsOf(outcome.error));
  }
  return outcome.data;
}

/**
 * Parses the named parts of a path. Throws GatewayError `malformed`; `not_found` if a part must be one of a few words and is none of them, because then the
 * address does not exist.
 */
export function parsePath<Schema extends z.ZodType>(schema: Schema, sent: unknown): z.output<Schema> {
  const outcome = schema.safeParse(sent, { error: plainFault });
  if (!outcome.success) {
    const isAddress = outcome.error.issues.every(({ code }) => code !== 'invalid_value');
    throw new GatewayError(isAddress ? 'malformed' : 'not_found', wordsOf(outcome.error));
  }
  return outcome.data;
}

function wordsOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
}

/** The schema of a number without a sign, written in digits. `expected` names the number in the error message. */
export function wholeNumber(expected: string, { min = 0, max = 999_999_999_999_999 } = {}): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d{1,15}$/, expected)
    .transform(Number)
    .pipe(z.int(expected).min(min, expected).max(max, expected));
}

/** The parts of a path that name a record. */
export const recordPlace = { log: z.string(), index: wholeNumber('a record is named LOG/INDEX, and the index is a number') };

export const sessionName = z.string().describe('The id of a session: 32 hex digits.');

const name = z.string().min(1).max(256);

export const principalName = name.describe('The id of a principal.');

export const targetName = name.describe('The name of a target.');

/** Names of groups, with commas between. */
export const groupNames = z
  .string()
  .max(4096)
  .regex(/^[^,]*(?:,[^,]*){0,63}$/, 'at most 64 groups are expected, with commas between');
