/** No name of the domain `invalid` is ever resolved (RFC 6761, 6.4). */
const domain = '.countersign.invalid';

/** Returns the server name by which clients name a target in TLS. */
export function serverNameOf(target: string): string {
  return target + domain;
}

/** Returns the name of the target for which a server name stands; null if it stands for none. */
export function targetOf(serverName: string): string | null {
  const target = serverName.endsWith(domain) ? serverName.slice(0, -domain.length) : '';
  return target === '' ? null : target;
}
