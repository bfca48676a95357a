/** `host:port`, an IPv6 host in brackets; empty for what has no port. The shape is that of `server.address()` in node:net. */
export function formatAddress(address: { readonly family: string; readonly address: string; readonly port: number } | string | null): string {
  if (address === null || typeof address === 'string') {
    return '';
  }
  return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

/** The address of a socket's peer as text. An IPv4 address on a dual-stack socket is returned as IPv4. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/i, '');
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/**
 * The network by which an address is counted: the /64 of an IPv6 address, since one host has all of it; an IPv4 address is its own network. `address` as
 * `plainAddress` gives it.
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
