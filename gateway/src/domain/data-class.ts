/** A class of values as the operator names it: by the places that its values come from, whatever they look like. */
export interface DataClass {
  readonly name: string;
  /** Each `TARGET/SCHEMA.TABLE.COLUMN`; `*` stands for any name. */
  readonly columns: readonly string[];
  /** Each `TARGET:/MEMBER/MEMBER`; `*` stands for any member or index. */
  readonly fields: readonly string[];
}
