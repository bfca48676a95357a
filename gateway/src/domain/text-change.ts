/**
 * Changes a text of an answer before it is recorded and released. The same text always gives the same result. The protocol finds the texts of its answers:
 * values of columns, of JSON members, of plain bodies.
 */
export type TextChange = (text: string) => string;

/** Applies all changes, one after the other. */
export function changeText(changes: readonly TextChange[], text: string): string {
  return changes.reduce((changed, change) => change(changed), text);
}
