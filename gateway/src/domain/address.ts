/** Formats `host:port`, with brackets around an IPv6 host. Empty if there is no port. The parameter has the shape of `server.address()` in node:net. */
export function formatAddress(address: { readonly family: string; readonly address: string; readonly port: number } | string | null): string {
  if (address === null || typeof address === 'string') {
    return '';
  }
  return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

/** Returns the address of a socket's peer as text. An IPv4 address on a dual-stack socket is returned as IPv4. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/i, '');
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/**
 * Returns the network by which an address is counted: the /64 of an IPv6 address, because one host has all of it, or the IPv4 address itself. `address` must
 * have the form that `plainAddress` returns.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) {
    return address;
  }
  const [whole = ''] = address.split('%');
  const [before = '', after] = whole.split('::');
  const groups = before === '' ? [] : before.split(':');
  const behind = after === undefined || after === '' ? 0 : after.split(':').length + (after.includes('.') ? 1 : 0);
  const zeros = after === undefined ? 0 : Math.max(0, 8 - groups.length - behind);
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...(after ?? '').split(':')];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
