/** A class of values as the operator names it: by the places that its values come from, whatever they look like, or by what they look like. */
export interface DataClass {
  readonly name: string;
  /** Each `TARGET/SCHEMA.TABLE.COLUMN`; `*` stands for any name. */
  readonly columns: readonly string[];
  /** Each `TARGET:/MEMBER/MEMBER`; `*` stands for any member or index. */
  readonly fields: readonly string[];
  /** Says what a value looks like, in the syntax of `classes/pattern.ts`. */
  readonly pattern: string | null;
  /** Words and phrases that are values, whole and in any case. */
  readonly words: readonly string[];
  /** Classes whose values are of this one too. */
  readonly classes: readonly string[];
}
