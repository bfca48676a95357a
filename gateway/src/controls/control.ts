import type { Attributes } from '../domain/action.ts';
import type { ApprovalAnswer } from '../domain/approval.ts';
import type { HeldNotice } from '../domain/channel.ts';
import type { Decision, Obligation } from '../domain/decision.ts';
import type { GatewayError } from '../domain/errors.ts';
import type { Standing } from '../domain/principal.ts';
import type { TextChange } from '../domain/text-change.ts';
import type { Question } from '../policy/policy.ts';

/** An act that is about to be done: the question that policy was asked, and the exact bytes. */
export interface Act extends Question {
  readonly bytes: readonly Uint8Array[];
  /** False if these bytes are only the first of the request: the others are asked about later. */
  readonly isWhole: boolean;
  /** True if these bytes belong to a request that was let through already: COPY data, a body that comes in pieces. */
  readonly isPart: boolean;
}

/** A record of an answer. */
export interface AnswerPart {
  readonly attributes: Attributes;
  readonly bytes: number;
}

/** Null: the act may go on. A text: the act may not go on, and the text tells the asker why. */
export type Objection = string | null | FullObjection;

/** An objection, or none, with what is known beside its words. */
export interface FullObjection {
  /** Null: the act may go on. */
  readonly objection: string | null;
  /** The approval on which it depends. Absent: it depends on none. */
  readonly approval?: ApprovalAnswer;
  /** The number of seconds, at least 1, after which the same act is let through if nothing else is done until then. Absent: waiting does not help, or nobody knows how long. */
  readonly retryAfterSeconds?: number;
  /** True if only the facts of the act are recorded, because its bytes hold what must be in no record. Absent: false. */
  readonly keepsFactsAlone?: boolean;
}

/** An act whose record is made, with the verdict `hold`. */
export interface HeldAct {
  readonly session: string;
  /** Sequence number of the record. */
  readonly seq: number;
  /** The name of the record in the log, `LOG/INDEX`. */
  readonly record: string;
  readonly decision: Decision;
  readonly standing: Standing;
  /** True if only the facts of the act are kept: then its content may be shown as long as it waits, and must not be stored. */
  readonly isFactsOnly: boolean;
  /** Aborts when nobody waits for the act any more. */
  readonly withdrawn: AbortSignal;
  /** Calls back once when somebody or something ends the session of the act: it is halted, its run has ended. Returns a function that cancels this. */
  readonly onEnded: (act: (error: GatewayError) => void) => () => void;
  /** Tells the client that its request waits, if its protocol has words for that. */
  readonly tell: (notice: Omit<HeldNotice, 'request' | 'record'>) => void;
  /**
   * Records a step of the approval, tied to the act, and returns the name of the record, `LOG/INDEX`. It is committed before anything that is recorded later.
   * Throws GatewayError `cannot_record`.
   */
  readonly note: (attributes: Attributes) => string;
}

/** Gives the objection to an act once the act is recorded as held. */
export type OnceRecorded = (held: HeldAct) => Objection | Promise<Objection>;

/**
 * Carries out one kind of obligation. Policy says that an obligation applies to an act; the control says whether the act may go on now, and how its answer is
 * changed. An obligation without a control denies the act, so that a policy that the gateway does not understand lets nothing through.
 */
export interface Control {
  /** The `kind` of the obligations that this control carries out. */
  readonly kind: string;
  /** False while the control does not know yet what it must know of the past: the act is refused as `catching_up`. Absent: it is always ready. */
  isReady?(obligation: Obligation): boolean;
  /**
   * Called once, before the act is let through, in the order of the obligations. A later control, or an act that is held, may still deny the act: a control that
   * counts does so in `asked` and `answered`. If it returns a promise, the act is held until that resolves: the channel keeps its order, and no other channel
   * waits. If the promise rejects, the act is denied. If it returns a function, the act is recorded as held, and then the function is called: for a control that
   * needs the record of the act. `leaving` gives the signal that aborts when nobody waits for the act any more. To make the signal takes time: call it only to
   * hold the act.
   */
  admit?(act: Act, obligation: Obligation, leaving: () => AbortSignal): Objection | Promise<Objection> | OnceRecorded;
  /** True if the act was asked before, waits or has its approval, and is now sent again: controls that count acts have counted it. */
  isAgain?(act: Act, obligation: Obligation): boolean;
  /** True if acts are counted for this obligation, and not what comes in their answers. It does not apply to an act that is sent again. */
  countsActs?(obligation: Obligation): boolean;
  /** Called in the same turn of the event loop as `admit`, once the act is recorded as allowed or as held. It is not called for parts of an act. */
  asked?(question: Question, obligation: Obligation): void;
  /** Called with each record of the act's answer. */
  answered?(question: Pick<Question, 'asker' | 'target'>, obligation: Obligation, part: AnswerPart): void;
  /**
   * Returns the change for the texts of the act itself, before it is decided on again, recorded and forwarded. Where a protocol cannot find the texts of an
   * act, the act is denied, whatever its texts are: a value in PostgreSQL's binary format, an image. Use another kind of obligation for answers. Texts are strings of JSON with the names of members, its numbers, true and false, values and names of forms, messages, plain
   * bodies, statements with their values and COPY data. A number that changes becomes null if it is none then. Headers and addresses are not changed: to keep a text in them from the target, deny the act in `admit`, which gets the bytes with
   * the head of the request.
   */
  changeRequest?(act: Act, obligation: Obligation): TextChange;
  /**
   * Returns the change for the texts of the act's answer; undefined if this obligation changes none. It is asked for also while the act is held. If a protocol cannot find the texts of an answer, it refuses the answer. Headers
   * are changed only by a change with a `report` (docs/adr/0039-one-answer-pipeline.md).
   */
  change?(act: Act, obligation: Obligation): TextChange | undefined;
}
