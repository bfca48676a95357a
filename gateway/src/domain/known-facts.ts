/** The facts of a channel that are known when it opens, and never change: rules of retention may ask for them when something is recorded. */
export interface KnownFacts {
  readonly principal: string;
  readonly groups: readonly string[];
  readonly onBehalfOf: string | null;
  readonly target: string;
  readonly protocol: string;
  /** The value of the tag "environment" of the target; null: it has none. */
  readonly environment: string | null;
}
