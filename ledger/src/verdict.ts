/** The result of a verification. Normative: docs/formats/verification.md. */

import { MalformedError } from './malformed.ts';

/** Exit codes of the verifier. */
export const exitCodes = {
  holds: 0,
  integrity: 1,
  completeness: 2,
  retention: 3,
  trust: 4,
  malformed: 5,
} as const;

export type Verdict = keyof typeof exitCodes;
export type Fault = Exclude<Verdict, 'holds'>;

/**
 * Most serious first. Bytes that contradict themselves are tampered with whoever signed them; without a trusted signature nothing
 * that is there, or missing, means anything; what could not be read comes last, so that garbage added to a store never hides an accusation.
 */
const precedence: readonly Fault[] = ['integrity', 'trust', 'completeness', 'retention', 'malformed'];

export interface Finding {
  readonly code: Fault;
  /** File and offset, leaf or session. */
  readonly where: string;
  readonly what: string;
}

const findingsMax = 1000;

/** Collects findings; past a thousand they are only counted, and still decide the verdict. */
export class Findings {
  readonly list: Finding[] = [];
  #dropped = 0;
  readonly #codes = new Set<Fault>();

  add(code: Fault, where: string, what: string): void {
    this.#codes.add(code);
    if (this.list.length < findingsMax) {
      this.list.push({ code, where, what });
    } else {
      this.#dropped += 1;
    }
  }

  /** The number of findings that are not in the list. */
  get dropped(): number {
    return this.#dropped;
  }

  get verdict(): Verdict {
    return precedence.find((code) => this.#codes.has(code)) ?? 'holds';
  }
}

/** Runs `read`, turning a `MalformedError` into a finding and undefined. */
export function orMalformed<T>(findings: Findings, where: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    noteMalformed(findings, where, error);
    return undefined;
  }
}

/** Does the work of `orMalformed` for an asynchronous `read`. */
export async function orMalformedLater<T>(findings: Findings, where: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    noteMalformed(findings, where, error);
    return undefined;
  }
}

function noteMalformed(findings: Findings, where: string, error: unknown): void {
  if (!(error instanceof MalformedError)) {
    throw error;
  }
  findings.add('malformed', where, error.message);
}
