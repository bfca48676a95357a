import type { Obligation } from '../domain/decision.ts';
import type { TextChange } from '../domain/text-change.ts';
import type { Question } from '../policy/policy.ts';

/** What is about to be done: what policy was asked, and the exact bytes. */
export interface Act extends Question {
  readonly bytes: readonly Uint8Array[];
}

/** Null: the act may go on. A sentence for the asker: it may not, and this is why. */
export type Objection = string | null;

/**
 * Carries out one kind of obligation. Policy says that an obligation applies to an act; its control says whether the act may go on now, and what its answer becomes. An obligation without a control
 * denies the act, so that a policy that is not understood lets nothing through.
 */
export interface Control {
  /** The `kind` of the obligations that it carries out. */
  readonly kind: string;
  /**
   * Called once, before the act is let through. A promise holds the act until it resolves: its channel keeps its order, and nobody else waits. A promise that rejects
   * denies the act. `withdrawn` aborts when the channel ends.
   */
  admit?(act: Act, obligation: Obligation, withdrawn: AbortSignal): Objection | Promise<Objection>;
  /** Makes what changes the texts of the answer. Where a protocol cannot find the texts of an answer, the answer is refused. */
  change?(act: Act, obligation: Obligation): TextChange;
}
