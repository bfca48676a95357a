/** The acts with recordings on which roles and policies decide, in words that follow "may". `list`, `search`, `facts`, `content`, `watch`, `export` and `halt` are about records; `approve` is to see approvals; `hold` and `erase` are about how long they are kept; `administer` is all the rest. */
export const acts = {
  list: 'list sessions',
  search: 'search records',
  facts: 'read records',
  content: 'read the content of records',
  watch: 'watch sessions',
  export: 'export sessions',
  halt: 'halt sessions',
  approve: 'see all approvals',
  hold: 'set and release holds',
  erase: 'erase what was recorded',
  administer: 'use the API as an administrator',
} as const;

export type Act = keyof typeof acts;

/** The acts that are done for the whole gateway, and not with some records. */
export const actsOnAll: ReadonlySet<Act> = new Set<Act>(['hold', 'erase', 'administer']);

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table has no other keys
export const actNames = Object.keys(acts) as readonly Act[];
