import { GatewayError } from '../domain/errors.ts';
import type { ConnectionInstructions } from '../domain/connection-instructions.ts';
import { listenerOf } from '../domain/protocol.ts';
import type { ApiParts } from './parts.ts';

export interface ConnectionOptions {
  readonly target: string;
  readonly token: string;
  /** A port on the client's own machine that leads to the target. */
  readonly localPort?: number | undefined;
}

export type ConnectionParts = Pick<ApiParts, 'targets' | 'findProtocol' | 'addresses' | 'listenerKeys' | 'isEncrypted'>;

/** Tells how a client connects to a target. Throws GatewayError `unknown_target`. */
export function connectionOf(
  { targets, findProtocol, addresses, listenerKeys, isEncrypted }: ConnectionParts,
  { target: name, token, localPort }: ConnectionOptions,
): ConnectionInstructions {
  const target = targets().get(name);
  const protocol = target === undefined ? undefined : findProtocol(target.protocol);
  const own = protocol === undefined ? undefined : addresses()[listenerOf(protocol)];
  const address = own ?? (protocol?.transport === 'exchange' ? addresses()['http'] : undefined);
  if (protocol === undefined || address === undefined) {
    throw new GatewayError('unknown_target', `The target "${name}" cannot be reached here: it is not configured, or its protocol is not listened for.`);
  }
  const at = address.lastIndexOf(':');
  const door =
    localPort === undefined ? { host: reachable(address.slice(0, at)), port: Number(address.slice(at + 1)) } : { host: '127.0.0.1', port: localPort };
  const key = listenerKeys()[protocol.id] ?? null;
  return protocol.connection({ ...door, target: name, options: target?.options ?? {}, token, tls: localPort === undefined && isEncrypted, key });
}

/** Returns an address that can be dialled: a listener on all addresses is reached on loopback. */
function reachable(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '[::]' ? '[::1]' : host;
}
