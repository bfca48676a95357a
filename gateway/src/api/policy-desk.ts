import { z } from 'zod';
import { policyFileBytesMax, type PolicyText } from '../domain/policy-source.ts';
import type {
  ChangedVerdict,
  FileChange,
  PolicyCheck,
  PolicyFile,
  PolicyWord,
  TestedCase,
  ExplainedDecision,
  TrialProgress,
  WantedFile,
} from '../policy/candidate.ts';
import type { PlacedProblem } from '../policy/policy-text.ts';
import type { TakenUp } from './parts.ts';

/** Most bytes of a body with files of policies. */
export const filesBytesMax = 2 * 1024 * 1024;

/** The change that came into force with a file, and the digest that the file has now. */
export interface SavedFile extends TakenUp {
  readonly sha256: string;
}

/** The records of one session, in pieces of whole lines. */
export interface TriedSession {
  readonly records: AsyncIterable<Uint8Array>;
}

/** Works on policies that are not, or not yet, in force, in other threads. `changed` are files that count in place of those of the directory. */
export interface PolicyDesk {
  /** Reads the files of the directory. Rejects with GatewayError `config_invalid`. */
  files(signal: AbortSignal): Promise<readonly PolicyFile[]>;
  /** Where the files are; null if the configuration names none. */
  readonly place: string | null;
  /** Why no file can be saved; null if files can be. */
  readonly savingFault: string | null;
  words(): readonly PolicyWord[];
  check(changed: readonly PolicyText[], signal: AbortSignal): Promise<PolicyCheck>;
  /** Decides cases in YAML. Rejects with GatewayError `config_invalid`. */
  test(changed: readonly PolicyText[], cases: string, signal: AbortSignal): Promise<readonly TestedCase[]>;
  /** Decides a case that expects nothing. Rejects with GatewayError `config_invalid` or `malformed`. */
  explain(changed: readonly PolicyText[], asked: unknown, signal: AbortSignal): Promise<ExplainedDecision>;
  /** Decides recorded requests again. `isPartial`: whoever asks may not read all of the records. Throws GatewayError `config_invalid` or `throttled`. */
  tryOut(
    changed: readonly PolicyText[],
    sessions: AsyncIterable<TriedSession>,
    options: { readonly isPartial: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<{ readonly groups: readonly ChangedVerdict[]; readonly progress: TrialProgress }>;
  /**
   * Saves a file and puts it into force. `begin` is awaited before anything is written, and may refuse. Rejects with GatewayError `conflict` if the file is not
   * as it was when it was read, `config_invalid`, `unsupported`, and as `begin` does; then the file is as it was.
   */
  save(wanted: WantedFile, begin: (change: FileChange) => Promise<void>, signal: AbortSignal): Promise<SavedFile>;
}

export const policyFileName = z
  .string()
  .regex(/^[^./\\\p{C}][^/\\\p{C}]{0,199}\.cedar$/u, 'the name of a file is expected, as agents.cedar')
  .describe('The name of a file of policies in the directory that the configuration names.');

/** The one file of policies, where the configuration names no directory, may be called as it likes. */
const candidateName = z.string().regex(/^[^./\\\p{C}][^/\\\p{C}]{0,205}$/u, 'the name of a file is expected, as agents.cedar');

/** A text that a file can hold, and that is read from it as it was given. */
const text = z
  .string()
  .refine((given) => Buffer.byteLength(given) <= policyFileBytesMax, 'a file is at most 1 MiB')
  .refine((given) => given.isWellFormed() && !given.startsWith('\uFEFF'), 'a text in UTF-8 without a byte order mark is expected');

/** The files of a candidate that differ from those of the directory. */
export const changedFiles = z
  .array(z.strictObject({ file: candidateName, text }))
  .max(200)
  .default([])
  .describe('The files that count in place of those of the directory, or beside them. All others count as they are.');

export const policyFileText = text;

export const placedProblem = z
  .object({
    file: z.string(),
    line: z.int().nullable().describe('From 1; null: it is about the whole file.'),
    column: z.int().nullable().describe('From 1, in characters.'),
    message: z.string(),
  })
  .meta({ id: 'PolicyProblem', description: 'Something that is wrong, or odd, with a policy.' });

export function problemsOf(found: readonly PlacedProblem[]): readonly z.output<typeof placedProblem>[] {
  return found.map(({ file, line, column, message }) => ({ file, line, column, message }));
}

const namedPolicy = z.object({ id: z.string(), text: z.string().nullable().describe('Null for a grant of the configuration.') });

export const explainedDecision = z
  .object({
    verdict: z.enum(['allow', 'deny', 'hold']),
    reason: z.string(),
    policies: z.array(namedPolicy).readonly().describe('Those that determined the verdict.'),
    unreached: z.string().nullable().describe('Why the principal may not even connect to the target, so that no such request comes that far; null if it may.'),
  } satisfies Record<keyof ExplainedDecision, z.ZodType>)
  .meta({ id: 'ExplainedDecision', description: 'A decision of policies that need not be in force.' });
