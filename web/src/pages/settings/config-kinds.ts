import type { Schemas } from '../../api/schema.ts';
import { texts } from '../../texts.ts';

/** Targets and principals have pages of their own, and where the gateway listens is said with the addresses that it has. */
const elsewhere = new Set(['target', 'principal', 'listens', 'NOTE']);

interface Kinds {
  readonly kinds: readonly { readonly name: string; readonly lines: readonly string[] }[];
  /** Settings that are probably not intended. */
  readonly notes: readonly string[];
}

/** Puts the lines of a configuration together by what they are about, in their order. */
export function byKind(lines: Schemas['ConfigInForce']['lines']): Kinds {
  const kinds = Map.groupBy(
    lines.filter(({ what }) => !elsewhere.has(what)),
    ({ what }) => what,
  );
  const names: Readonly<Record<string, string>> = texts.settings.kinds;
  return {
    kinds: Array.from(kinds, ([what, all]) => ({ name: names[what] ?? what, lines: all.map(({ text }) => text) })),
    notes: lines.flatMap(({ what, text }) => (what === 'NOTE' ? [text] : [])),
  };
}
