/**
 * Changes a text of an answer before it is recorded and released. Pure: the same text gives the same text. A protocol finds the texts of its answers: values of columns,
 * of JSON members, of plain bodies.
 */
export type TextChange = (text: string) => string;

/** All changes, one after the other. */
export function changeText(changes: readonly TextChange[], text: string): string {
  return changes.reduce((changed, change) => change(changed), text);
}
