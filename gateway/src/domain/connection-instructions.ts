export interface ConnectionDoor {
  /** True if the listener uses TLS. */
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly target: string;
  /** The target's options in the form of the protocol's schema. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly token: string;
}

export interface ConnectionInstructions {
  readonly url: string;
  /** The environment variables that common clients read, for instance PGHOST. */
  readonly environment: Readonly<Record<string, string>>;
  /** A command to type. It does not contain the token. */
  readonly command: string;
}

/** Returns `<TARGET>_URL` for each target, and the variables that common clients read. If two targets need the same variable, the first target gets it. */
export function environmentOf(connections: readonly (ConnectionInstructions & { readonly name: string })[]): Readonly<Record<string, string>> {
  const urls = connections.map(({ name, url }) => [`${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_URL`, url] as const);
  return Object.assign({}, ...connections.toReversed().map(({ environment }) => environment), Object.fromEntries(urls.toReversed()));
}
