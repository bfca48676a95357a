export interface ConnectionDoor {
  /** The listener speaks TLS. */
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly target: string;
  /** The target's options, by the protocol's own schema. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly token: string;
}

export interface ConnectionInstructions {
  readonly url: string;
  /** The variables that usual clients read, for instance PGHOST. */
  readonly environment: Readonly<Record<string, string>>;
  /** A command to type, without the token. */
  readonly command: string;
}

/** `<TARGET>_URL` of each target, and what usual clients read; where two targets claim the same variable it is the first one's. */
export function environmentOf(connections: readonly (ConnectionInstructions & { readonly name: string })[]): Readonly<Record<string, string>> {
  const urls = connections.map(({ name, url }) => [`${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_URL`, url] as const);
  return Object.assign({}, ...connections.toReversed().map(({ environment }) => environment), Object.fromEntries(urls.toReversed()));
}
