/** `host:port`, an IPv6 host in brackets; empty for what has no port. The shape is that of `server.address()` in node:net. */
export function formatAddress(address: { readonly family: string; readonly address: string; readonly port: number } | string | null): string {
  if (address === null || typeof address === 'string') {
    return '';
  }
  return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}
