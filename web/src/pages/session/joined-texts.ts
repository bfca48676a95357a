import type { Schemas } from '../../api/schema.ts';

/** Joins the texts of the records of an answer. Each begins a line, but for one that goes on in the text before it. */
export function joinTexts(records: readonly Pick<Schemas['ShownRecord'], 'content' | 'attributes'>[]): string {
  return records.reduce((joined, { content, attributes }) => {
    const text = content?.text ?? '';
    const goesOn = joined === '' || text === '' || joined.endsWith('\n') || attributes['countersign.begun_text'] === true;
    return goesOn ? joined + text : `${joined}\n${text}`;
  }, '');
}
