import type { HoldWish } from './approval.ts';
import type { Slices, TextChange } from './text-change.ts';

/** The action that a request asks for. Its name is from the protocol's own catalogue: `postgres.query`, `llm.chat` ... */
export interface Action {
  readonly name: string;
  /**
   * Facts about the request that are cheap to find before it moves, by the attribute names of OpenTelemetry. They are recorded as meta, and policy sees them.
   * They hold no content, which is only in the bytes.
   */
  readonly attributes: Attributes;
  /** True if no later request has the same object of attributes, so that what follows from it is not worth keeping. Absent: one may have it. */
  readonly isOnce?: boolean;
  /**
   * Returns the text of the request, for a policy that reads it. The text is made only on demand and is not recorded, because the bytes are. Absent if the
   * protocol cannot find it.
   */
  readonly text?: () => ActionText;
  /**
   * Returns the bytes of the request as they are read, in UTF-8, where those that are sent are in a content coding, masked, or cut by messages. Null: they cannot be read.
   * Absent: they are those that are sent.
   */
  readonly readable?: () => Uint8Array | null;
  /**
   * Gives each text of the request that policy could mask to a look, in slices, with the members from which it is. Returns false if the texts cannot be found. Absent: the protocol gives only
   * the readable bytes.
   */
  readonly look?: (look: TextChange) => Slices<boolean>;
  /** The ids that the action names. Absent if it names none, or if ids have no owner in this protocol. */
  readonly ids?: NamedIds;
  /** True if the target goes on with the answer to an earlier request, and it is not known to which. Absent: it does not. */
  readonly resumes?: boolean;
  /** How the client wants to learn the outcome if the request is held. Absent: it has no wish. */
  readonly onHold?: HoldWish;
  /**
   * Returns the bytes by which the request is known again when it is sent once more, on another connection too: without what its client makes anew with each
   * attempt (an id of the message, a trace), and with what it refers to. Absent: all of its bytes.
   */
  readonly known?: () => readonly Uint8Array[];
  /**
   * Returns the bytes of an earlier request to which this one refers, by the number of its record, so that people see what it runs; null if they are not known. Absent: it
   * refers to none.
   */
  readonly origin?: (record: number) => Uint8Array | null;
  /** Returns why it is not sure what the request runs, so that nobody can approve it; null if it is sure. Absent: it is always sure. */
  readonly doubt?: () => string | null;
  /**
   * Returns a function that asks the target how many rows the request would change, for the people who decide on it; null if that cannot be asked without any effect.
   * Called while the request is held, before it is let through. Absent: the protocol has no such question.
   */
  readonly estimate?: () => AskEstimate | null;
}

/**
 * Asks a target for an estimate, after all that was recorded is committed. Resolves with null if there is none: the target refuses, takes too long or answers
 * nonsense, too much is asked at the same time, or `signal` aborts. Never rejects with a GatewayError.
 */
export type AskEstimate = (signal: AbortSignal) => Promise<number | null>;

/**
 * Ids made by the target that a request names. All clients share one credential at the target, so only the gateway knows to whom the target gave an id (ATTACKS
 * E50).
 */
export interface NamedIds {
  readonly ids: readonly string[];
  /** Who may name a given id: its principal only in the same run, or its principal in any run. */
  readonly isFor: IdOwner;
  /** True if the request may name ids that the target was never seen to give. */
  readonly strangePass: boolean;
}

export type IdOwner = 'run' | 'principal';

/** Ids that a target gives in an answer. */
export interface GivenIds {
  readonly ids: readonly string[];
  /** True if the target has just made the ids, so they get a new owner. False: an id stays with the owner that it has. */
  readonly isNew: boolean;
}

export interface ActionText {
  readonly pieces: readonly TextPiece[];
  /** False if the request says more than these pieces: media, files, content of an unknown kind, or text over a limit. */
  readonly isWhole: boolean;
}

export interface TextPiece {
  /** The speaker, as the protocol names it: `system`, `user` ... */
  readonly role: string;
  readonly text: string;
}

export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** One line of a protocol's action catalogue. */
export interface ActionDefinition {
  readonly name: string;
  readonly title: string;
  /** True if such a request has no text that says what it does, so that a case of `policy test` cannot give one. */
  readonly isWithoutText?: true;
}
