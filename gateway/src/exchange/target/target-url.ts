import type { ConnectionDoor } from '../../domain/connection-instructions.ts';

/** The address at which clients reach a target over HTTP through the gateway, without a slash at the end. */
export function targetUrl({ host, port, target, tls }: ConnectionDoor): string {
  return `${tls ? 'https' : 'http'}://${host}:${port}/t/${encodeURIComponent(target)}`;
}
