/** Stands for the classes of what nobody could look at. No class has this name. */
export const unknownClass = 'unknown';

/** The values that were seen in texts that moved on. */
export interface Seen {
  /** The classes of the values. */
  readonly classes: readonly string[];
  /** The values that can be followed, by their prints. */
  readonly values: readonly SeenValue[];
  /** False if some texts could not be found. */
  readonly isInspected: boolean;
}

export interface SeenValue {
  /** The class. */
  readonly name: string;
  /** See `FollowedValue`. */
  readonly print: string;
  /** See `FollowedValue`. */
  readonly source: string;
}
