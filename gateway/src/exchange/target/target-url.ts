import type { ConnectionDoor } from '../../domain/connection-instructions.ts';

/** Returns the address of a target over HTTP at the gateway, without a slash at the end. */
export function targetUrl({ host, port, target, tls }: ConnectionDoor): string {
  return `${tls ? 'https' : 'http'}://${host}:${port}/t/${encodeURIComponent(target)}`;
}
