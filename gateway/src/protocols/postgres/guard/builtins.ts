import { builtinFunctions } from './builtin-functions.ts';
import type { Effect } from './facts.ts';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** The effects of the functions of pg_catalog, by name. `unknown` stands for those whose arguments decide. */
const effectsByName: ReadonlyMap<string, readonly Effect[]> = collect([
  [['read'], builtinFunctions.read],
  [['write'], builtinFunctions.write],
  [['destroy', 'write'], builtinFunctions.destroy],
  [['administer'], builtinFunctions.administer],
  [['unknown'], builtinFunctions.byArguments],
]);

function collect(groups: readonly (readonly [readonly Effect[], string])[]): ReadonlyMap<string, readonly Effect[]> {
  const found = new Map<string, readonly Effect[]>();
  for (const [effects, text] of groups) {
    for (const name of words(text)) {
      found.set(name, [...(found.get(name) ?? []), ...effects]);
    }
  }
  return found;
}

/** Returns the effects of a function of pg_catalog; undefined if there is none of this name. */
export function builtinEffects(name: string): readonly Effect[] | undefined {
  return effectsByName.get(name);
}
