import type { Schemas } from '../../api/schema.ts';

/** Returns the names of all entities of a type among the words of policies. */
export function namesIn(words: readonly Schemas['PolicyWord'][], type: string): readonly string[] {
  return words.flatMap(({ text }): readonly string[] => (text.startsWith(`${type}::`) ? [JSON.parse(text.slice(type.length + 2))] : []));
}
