import type { ConnectionDoor } from '../../domain/protocol.ts';

/** Where a target over HTTP is reached, without a slash at the end. */
export function targetUrl({ host, port, target, tls }: ConnectionDoor): string {
  return `${tls ? 'https' : 'http'}://${host}:${port}/t/${encodeURIComponent(target)}`;
}
