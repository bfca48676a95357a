/** The acts with recordings on which roles and policies decide, in words that follow "may". `list`, `search`, `facts`, `content`, `watch`, `export` and `halt` are about records; `approve` is to see approvals; `administer` is all the rest. */
export const acts = {
  list: 'list sessions',
  search: 'search records',
  facts: 'read records',
  content: 'read the content of records',
  watch: 'watch sessions',
  export: 'export sessions',
  halt: 'halt sessions',
  approve: 'see all approvals',
  administer: 'use the API as an administrator',
} as const;

export type Act = keyof typeof acts;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table has no other keys
export const actNames = Object.keys(acts) as readonly Act[];
