import type { Act } from './recording-acts.ts';

/** Some names: those that are listed or, with `isAllBut`, all others, whether anybody knows of them or not. */
export interface Names {
  readonly isAllBut: boolean;
  readonly names: readonly string[];
}

/** Records: those at targets, with values of classes, and, with `gateway`, those that belong to no target. */
export interface Extent {
  readonly targets: Names;
  readonly classes: Names;
  readonly gateway: boolean;
}

/** Records by whose they are: those that somebody made or that were made on their behalf, and those of others. */
export interface Reach {
  readonly own: Extent;
  readonly others: Extent;
}

/** Which records policies permit or forbid somebody an act with. */
export interface ActRule {
  readonly act: Act;
  readonly permitted: Reach;
  readonly forbidden: Reach;
  /** The ids of the policies that say so. */
  readonly policies: readonly string[];
  /** The reasons that the policies which forbid it give; null: they give none. */
  readonly reason: string | null;
}

/** Everything that policies say of acts with recordings for somebody. An act without a rule is left to the roles. */
export interface RecordingRules {
  readonly rules: readonly ActRule[];
  readonly policyVersion: string;
}
