import { z } from 'zod';
import { parseAge } from '../query/times.ts';

const lengthMax = 4096;

/** The parameters of a period. */
export const period = {
  since: z.string().max(lengthMax).optional().describe('Only records from this time on, or of this age: `2026-11-29`, `90d`.'),
  until: z.string().max(lengthMax).optional().describe('Only records up to this time.'),
};

interface Period {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** Returns the conditions of a period, in the language of searches. */
export function conditionsOf({ since, until }: Period): readonly string[] {
  return [...(since === undefined ? [] : [`since:${since}`]), ...(until === undefined ? [] : [`until:${until}`])];
}

/** Returns a period without ages, which would be other times at another time. */
export function fixedPeriod({ since, until }: Period, nowMs: number): { readonly since: string | null; readonly until: string | null } {
  const fixed = (text: string | undefined): string | null => {
    const age = text === undefined ? null : parseAge(text);
    return age === null ? (text ?? null) : new Date(nowMs - age).toISOString();
  };
  return { since: fixed(since), until: fixed(until) };
}
