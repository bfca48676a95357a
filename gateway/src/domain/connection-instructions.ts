export interface ConnectionDoor {
  /** True if the listener uses TLS. */
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly target: string;
  /** The target's options in the form of the protocol's schema. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly token: string;
  /** The public key by which clients know the listener, as they write it down. Null: it has none. */
  readonly key: string | null;
}

export interface ConnectionInstructions {
  readonly url: string;
  /** The environment variables that common clients read, for instance PGHOST. */
  readonly environment: Readonly<Record<string, string>>;
  /** Environment variables that are lists of paths, as KUBECONFIG. The paths of all connections are joined. Absent: there are none. */
  readonly searchPaths?: Readonly<Record<string, string>>;
  /** A command to type. It does not contain the token. */
  readonly command: string;
  /**
   * Files that common clients read, by name, without the token. Who sets the environment writes them into a directory of its own, for which `filesDirectory` stands in them and
   * in the environment. Those of one name are joined. One that begins with `#!` can be executed. Absent: there are none.
   */
  readonly files?: Readonly<Record<string, string>>;
}

/** Stands for the directory of the files of instructions. */
export const filesDirectory = '@COUNTERSIGN_FILES@';

/** Joins the files of instructions. */
export function filesOf(connections: readonly ConnectionInstructions[]): Readonly<Record<string, string>> {
  const joined = new Map<string, string>();
  for (const [name, content] of connections.flatMap(({ files = {} }) => Object.entries(files))) {
    joined.set(name, (joined.get(name) ?? '') + content);
  }
  return Object.fromEntries(joined);
}

/** Returns `<TARGET>_URL` for each target, and the variables that common clients read. If two targets need the same variable, the first target gets it. */
export function environmentOf(connections: readonly (ConnectionInstructions & { readonly name: string })[]): Readonly<Record<string, string>> {
  const urls = connections.map(({ name, url }) => [`${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_URL`, url] as const);
  const paths: Record<string, string> = {};
  for (const [variable, path] of connections.flatMap(({ searchPaths = {} }) => Object.entries(searchPaths))) {
    paths[variable] = paths[variable] === undefined ? path : `${paths[variable]}:${path}`;
  }
  return Object.assign({}, ...connections.toReversed().map(({ environment }) => environment), paths, Object.fromEntries(urls.toReversed()));
}
