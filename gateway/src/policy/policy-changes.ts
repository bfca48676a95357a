import type { PolicyEngine } from './policy.ts';

/** Most policies that are named as added, removed or changed. */
const namedMax = 30;

/** Says how one set of policies differs from the one before: `policies 4 (was 6): -FILE:NAME +FILE:NAME ~FILE:NAME`. `~` marks one whose text changed. Null: they are the same. */
export function policyChanges({ texts: before = new Map() }: PolicyEngine, { texts: after = new Map() }: PolicyEngine): string | null {
  const changes = [
    ...Array.from(before.keys(), (id) => (after.has(id) ? null : `-${id}`)),
    ...Array.from(after, ([id, text]) => (before.has(id) ? (before.get(id) === text ? null : `~${id}`) : `+${id}`)),
  ].filter((change) => change !== null);
  const more = changes.length > namedMax ? ` and ${changes.length - namedMax} more` : '';
  return changes.length === 0 ? null : `policies ${after.size} (was ${before.size}): ${changes.slice(0, namedMax).join(' ')}${more}`;
}
