import { anythingEffects, destroyEffects, type Effect, readEffects, writeEffects } from '../../domain/effects.ts';

/** The effects of a call whose arguments policy does not see. */
const unseen: ReadonlyMap<readonly Effect[], readonly Effect[]> = new Map<readonly Effect[], readonly Effect[]>([
  [readEffects, Object.freeze(['read', 'unknown'] as const)],
  [writeEffects, Object.freeze(['unknown', 'write'] as const)],
]);

/**
 * Returns the effects of a call by what the target claims of the tool; null if the target did not list the tool. Claims that are missing have the defaults of the
 * specification: a tool changes things and destroys. https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations
 */
export function effectsOfCall(hints: readonly string[] | null, areArgumentsSeen: boolean): readonly Effect[] {
  const effects =
    hints === null
      ? anythingEffects
      : hints.includes('readOnlyHint=true')
        ? readEffects
        : hints.includes('destructiveHint=false')
          ? writeEffects
          : destroyEffects;
  return areArgumentsSeen ? effects : (unseen.get(effects) ?? anythingEffects);
}
