/** `host:port`, an IPv6 host in brackets; empty for what has no port. The shape is that of `server.address()` in node:net. */
export function formatAddress(address: { readonly family: string; readonly address: string; readonly port: number } | string | null): string {
  if (address === null || typeof address === 'string') {
    return '';
  }
  return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

/** Of a socket. IPv4 on a dual-stack socket is told as IPv4. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/i, '');
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
