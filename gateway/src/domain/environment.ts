import type { ConnectionInstructions } from './protocol.ts';

/** `<TARGET>_URL` of each target, and what usual clients read; where two targets claim the same variable it is the first one's. */
export function environmentOf(connections: readonly (ConnectionInstructions & { readonly name: string })[]): Readonly<Record<string, string>> {
  const urls = connections.map(({ name, url }) => [`${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_URL`, url] as const);
  return Object.assign({}, ...connections.toReversed().map(({ environment }) => environment), Object.fromEntries(urls.toReversed()));
}
