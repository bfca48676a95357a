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

/** The verdicts in words, for people. */
export const verdictWords: Readonly<Record<Verdict, string>> = {
  holds: 'HOLDS: it is whole and signed',
  integrity: 'DOES NOT HOLD: something was changed',
  completeness: 'DOES NOT HOLD: something is missing',
  retention: 'DOES NOT HOLD: retention was not kept',
  trust: 'NOT TRUSTED: no signature by a trusted key, older than it must be, or not checked in full',
  malformed: 'NOT READABLE: this is not the format',
};

/** The verdict on a receipt that holds, in words. */
export const receiptHolds = 'HOLDS: the record is in the log, which is signed';
export type Fault = Exclude<Verdict, 'holds'>;

/**
 * The most serious fault comes first. Bytes that contradict themselves were tampered with, no matter who signed them. Without a trusted signature, nothing that
 * is present or missing means anything. Unreadable input comes last, so that garbage added to a store never hides a worse finding.
 */
const precedence: readonly Fault[] = ['integrity', 'trust', 'completeness', 'retention', 'malformed'];

/** Returns the verdict that counts for several things together. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  return precedence.find((code) => verdicts.includes(code)) ?? 'holds';
}

export interface Finding {
  readonly code: Fault;
  /** The place of the finding: a file and offset, a leaf or a session. */
  readonly where: string;
  readonly what: string;
}

const findingsMax = 1000;

/** Collects findings. After a thousand they are only counted; they still decide the verdict. */
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
    return worstOf([...this.#codes]);
  }
}

/** Runs `read`. A `MalformedError` becomes a finding, and the result is undefined. */
export function orMalformed<T>(findings: Findings, where: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    noteMalformed(findings, where, error);
    return undefined;
  }
}

/** Does the same as `orMalformed` for an asynchronous `read`. */
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
