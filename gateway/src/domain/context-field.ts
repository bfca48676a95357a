import type { AttributeValue } from './action.ts';

/** The types of a field that has values by name, each of which may be absent. Its attribute is a list of texts `NAME=VALUE`, and a value is JSON. */
export type NamedType = 'namedTexts' | 'namedNumbers' | 'namedBooleans';

/** A fact about requests that policies may speak of, as a member of Cedar's `context`. It is read from the attribute of the record, so that what was decided can be decided again from the record alone. */
export interface ContextField {
  /** The name of the member. */
  readonly name: string;
  readonly type: 'text' | 'texts' | 'number' | 'boolean' | NamedType;
  /** The attribute of the request that holds the value. */
  readonly attribute: string;
  /** The value of a request without this attribute. */
  readonly absent: AttributeValue;
  /** All values that it may have, or its elements, but for that of `absent`. Absent: they are not known before. */
  readonly oneOf?: readonly string[];
  /** The parts of each of its elements, which dots join: `SCHEMA.TABLE`. Absent: it has no parts. */
  readonly parts?: string;
  /** True if the value is something that was said, or may hold it. Where policy keeps the facts alone, it is not kept. Absent: false. */
  readonly isContent?: true;
  /** For a field of values by name: the option of targets whose members name them. */
  readonly namedBy?: string;
  /** One sentence for people who write policies. */
  readonly title: string;
}
