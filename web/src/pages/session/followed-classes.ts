import type { Schemas } from '../../api/schema.ts';

/** Notes the classes of which a record says that their values are followed, each with the first record that says so, as `LOG/INDEX`. */
export function noteFollowed(found: Map<string, string>, { attributes, record }: Schemas['ShownRecord']): void {
  for (const value of [attributes['countersign.followed'] ?? []].flat()) {
    const [name = ''] = String(value).split(' ');
    if (!found.has(name)) {
      found.set(name, record);
    }
  }
}
