import type { Schemas } from '../api/schema.ts';

/** A query as it would be with its last word completed, and what that word means. */
export interface Completion {
  readonly query: string;
  readonly title: string;
}

/** Returns the ways in which the last word of a query may go on: as a field, or as one of the values of a field that has few. Within quotes there are none. */
export function completionsOf(query: string, fields: readonly Schemas['QueryField'][]): readonly Completion[] {
  if (query.split('"').length % 2 === 0) {
    return [];
  }
  const [before = '', word = ''] = /^(.*?)([^\s()]*)$/s.exec(query)?.slice(1) ?? [];
  const colon = word.indexOf(':');
  if (colon < 0) {
    return fields.filter(({ name }) => name.startsWith(word)).map(({ name, title }) => ({ query: `${before}${name}:`, title }));
  }
  const [name, begun] = [word.slice(0, colon), word.slice(colon + 1)];
  const { title = '', values = [] } = fields.find((field) => field.name === name) ?? {};
  return values.filter((value) => value.startsWith(begun)).map((value) => ({ query: `${before}${name}:${value}`, title }));
}
