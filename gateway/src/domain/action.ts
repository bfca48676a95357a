/** What a request asks for, in the protocol's own catalogue: `postgres.query`, `llm.chat` ... */
export interface Action {
  readonly name: string;
  /**
   * Facts about the request that are cheap to know before it moves, by the attribute names of
   * OpenTelemetry. Recorded as meta; policy sees them. No content: that is in the bytes.
   */
  readonly attributes: Attributes;
}

export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** One line of a protocol's action catalogue. */
export interface ActionDefinition {
  readonly name: string;
  readonly title: string;
}
