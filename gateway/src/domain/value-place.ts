/** How places of values are named at the targets of a protocol: as columns of tables, or as fields of JSON. */
export type PlaceKind = 'columns' | 'fields';

export const placeKinds: readonly PlaceKind[] = ['columns', 'fields'];

/** The form of each kind of place. */
export const placeForms: Readonly<Record<PlaceKind, string>> = { columns: 'TARGET/SCHEMA.TABLE.COLUMN', fields: 'TARGET:/MEMBER/MEMBER' };

/** Matches characters that mean something in a regular expression. */
const special = /[.*+?^${}()|[\]\\/]/g;

/** Matches what a place of the configuration names. `*` takes any characters, so that a name with a dot or a slash in it hides nothing. A field takes what is within it. */
export function placePattern(place: string): RegExp {
  const names = place.split('*').map((text) => text.replaceAll(special, String.raw`\$&`));
  return new RegExp(`^${names.join('.*')}${place.includes(':/') ? '(?:/.*)?' : ''}$`, 's');
}
