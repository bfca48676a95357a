import type { Decision } from '../domain/decision.ts';
import type { PlacedProblem } from './policy-text.ts';

/** The findings of `policy check` in policies that need not be in force. */
export interface PolicyCheck {
  readonly files: number;
  readonly policies: number;
  /** Faults for which they would not be put into force. */
  readonly problems: readonly PlacedProblem[];
  readonly warnings: readonly PlacedProblem[];
  /** Policies that do no harm and can never do what they are written for. */
  readonly conflicts: readonly PlacedProblem[];
}

/** A decision of policies that are not in force, with the texts of the policies that it names. */
export interface ExplainedDecision extends Pick<Decision, 'verdict' | 'reason'> {
  readonly policies: readonly NamedPolicy[];
  /** Why the principal may not even connect to the target, so that no such request comes that far. Null: it may. */
  readonly unreached: string | null;
}

interface NamedPolicy {
  readonly id: string;
  /** Its text; null for a grant of the configuration. */
  readonly text: string | null;
}

/** The outcome of a case. */
export interface TestedCase {
  readonly name: string;
  /** Null: the case speaks of what does not exist, so there is nothing to decide. */
  readonly decision: ExplainedDecision | null;
  /** The difference from what the case expects. Null: it is as expected. */
  readonly difference: string | null;
}

/** A recorded request that a candidate decides otherwise than it was decided. */
export interface Otherwise {
  readonly record: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly principal: string;
  readonly target: string;
  readonly action: string;
  readonly was: string;
  readonly would: string;
  readonly policies: readonly string[];
  readonly reason: string;
}

/** The requests of one principal to one target that would have been decided otherwise in the same way. `record` and `time` are those of the newest. */
export interface ChangedVerdict extends Otherwise {
  readonly requests: number;
}

/** Requests that cannot be decided again, for one reason. */
export interface Undecided {
  readonly why: string;
  readonly requests: number;
  /** The last of them. */
  readonly record: string;
}

export interface TrialCounts {
  readonly requests: number;
  readonly undecided: readonly Undecided[];
}

/** How far a trial is. */
export interface TrialProgress {
  readonly sessions: number;
  /** How many requests were looked at, and how many of them would have been decided otherwise. */
  readonly requests: number;
  readonly changed: number;
  readonly undecided: readonly Undecided[];
  /** False: it goes on. */
  readonly isWhole: boolean;
}

/** A file of policies as it is in the directory. */
export interface PolicyFile {
  readonly file: string;
  readonly text: string;
  /** The SHA-256 digest of its text in UTF-8, hexadecimal. */
  readonly sha256: string;
}

/** A word of which policies may speak, with what it means. */
export interface PolicyWord {
  readonly kind: 'annotation' | 'action' | 'context' | 'principal' | 'resource' | 'entity';
  /** As it stands in a policy: `context.effects`, `Target::"orders"`, `@limit("rows 10000 per 1h")`. */
  readonly text: string;
  readonly meaning: string;
}

/** A file that somebody wants to save. */
export interface WantedFile {
  readonly file: string;
  readonly text: string;
  /** The digest that it had when it was read. Null: it is new. */
  readonly sha256: string | null;
  /** True: it is saved also with policies that can never do what they are written for. */
  readonly force: boolean;
}

/** A file that is about to be saved. */
export interface FileChange extends Pick<WantedFile, 'file'> {
  readonly oldSha256: string | null;
  readonly newSha256: string;
  readonly oldVersion: string;
  readonly newVersion: string;
  /** True if policies about recordings differ: they say who may read what. */
  readonly changesRecordings: boolean;
  /** The groups whose members decide by policies that are new, or not as they were: they read what these hold. */
  readonly newDeciders: readonly string[];
}
