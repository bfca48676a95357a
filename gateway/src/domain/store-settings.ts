/** The PostgreSQL that many gateways share, with its secrets as they are. */
export interface StoreSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Null: without TLS. Otherwise the certificate is verified; `caFile` has the authorities that may have signed it, null those of the system. */
  readonly tls: { readonly caFile: string | null } | null;
}

/** Returns the fault of the address of a store; null if it has none. `isSecret`: it is kept like a secret, so a password may be in it. */
export function faultOfStoreUrl(written: string, isSecret: boolean): string | null {
  const url = URL.parse(written);
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol) || url.hostname === '' || url.username === '' || url.pathname.length < 2) {
    return 'an address is postgres://USER@HOST:PORT/DATABASE';
  }
  if (url.password !== '' && !isSecret) {
    return 'a password is not written here: give password: { env: VARIABLE } or { file: PATH }';
  }
  return url.search === '' && url.hash === '' ? null : 'an address has no options here: tls and caFile are settings of their own';
}

/** Reads the address of a store that has no fault. The password is empty if there is none in it. */
export function parseStoreUrl(written: string): Pick<StoreSettings, 'host' | 'port' | 'database' | 'user' | 'password'> {
  const { hostname, port, pathname, username, password } = new URL(written);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 5432 : Number(port),
    database: decodeURIComponent(pathname.slice(1)),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}
