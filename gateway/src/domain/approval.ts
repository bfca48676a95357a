/**
 * The states of an approval. `waiting`: not everybody has granted who must. `granted`: the request may be sent again, once. All others are final; `spent`: the
 * request went on.
 */
export type ApprovalState = 'waiting' | 'granted' | 'spent' | 'denied' | 'expired' | 'withdrawn';

/** The facts about its approval that the client of a held request is told. */
export interface ApprovalAnswer {
  /** The id of the approval. */
  readonly approval: string;
  readonly state: ApprovalState;
  /** The next step of the client: `wait` until somebody decides, `resend` the same request, or `stop`. */
  readonly next: 'wait' | 'resend' | 'stop';
}

/** How a client that makes a held request learns the outcome. */
export interface HoldWish {
  /** `wait`: the answer comes when the request is decided. `return`: the answer comes at once, and has the id of the approval. Absent: as the gateway is configured. */
  readonly mode?: HoldMode;
  /** The longest time in ms that an answer may wait. After it, it is given as for `return`. Absent: as long as the approval itself. */
  readonly waitMsMax?: number;
}

export type HoldMode = 'wait' | 'return';

/** Returns what a client does next about an approval in this state. */
export function answerOf(approval: string, state: ApprovalState): ApprovalAnswer {
  return { approval, state, next: state === 'waiting' ? 'wait' : state === 'granted' ? 'resend' : 'stop' };
}

/** Returns the wish that a client wrote as a word, or null if it is none of the words. */
export function readHoldMode(word: string): HoldMode | null {
  return word === 'wait' || word === 'return' ? word : null;
}
