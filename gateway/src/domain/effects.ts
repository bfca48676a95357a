/** The effects that a request may have. They mean the same for all protocols (`docs/policy.md`). */
export const effectNames = ['read', 'write', 'destroy', 'define', 'execute', 'administer', 'unknown'] as const;

export type Effect = (typeof effectNames)[number];

/** Lists of effects that requests have often. They are made once, so that a request costs no list of its own. */
export const noEffects: readonly Effect[] = Object.freeze([]);
export const readEffects: readonly Effect[] = Object.freeze(['read'] as const);
export const writeEffects: readonly Effect[] = Object.freeze(['write'] as const);
export const destroyEffects: readonly Effect[] = Object.freeze(['destroy', 'write'] as const);
export const administerEffects: readonly Effect[] = Object.freeze(['administer'] as const);
export const unknownEffects: readonly Effect[] = Object.freeze(['unknown'] as const);
/** The effects of a request of which not even a part is known. A policy about any of the usual ones applies to it too. */
export const anythingEffects: readonly Effect[] = Object.freeze(['destroy', 'unknown', 'write'] as const);
