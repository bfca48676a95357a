/** The action that a request asks for, from the protocol's own catalogue: `postgres.query`, `llm.chat` ... */
export interface Action {
  readonly name: string;
  /**
   * Facts about the request that are cheap to know before it moves, by the attribute names of
   * OpenTelemetry. Recorded as meta; policy sees them. No content: that is in the bytes.
   */
  readonly attributes: Attributes;
  /**
   * The text of the request, for a policy that looks at it. It is put together when it is asked for, and recorded in the bytes alone. Absent where the protocol
   * cannot tell it.
   */
  readonly text?: () => ActionText;
  /** The ids that the action names. Absent if it names none, or if ids are not bound to an owner. */
  readonly ids?: NamedIds;
}

/**
 * Ids of the target's own making that a request names. The target gave them to somebody behind a credential that all share, so it is the gateway that
 * knows for whom they are (ATTACKS E50).
 */
export interface NamedIds {
  readonly ids: readonly string[];
  /** Who may name an id that was given: the principal in the same run, or the principal in any. */
  readonly isFor: IdOwner;
  /** Ids that the target was never seen to give may be named. */
  readonly strangePass: boolean;
}

export type IdOwner = 'run' | 'principal';

/** Ids that a target gives in an answer. */
export interface GivenIds {
  readonly ids: readonly string[];
  /** The target has just made them: they are nobody else's any more. Otherwise they stay with whom they were given to first. */
  readonly isNew: boolean;
}

export interface ActionText {
  readonly pieces: readonly TextPiece[];
  /** False: the request says more than these pieces: media, files, content of a kind that is not known, what is past a limit. */
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
}
