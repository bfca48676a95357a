import type { Protocol } from '../domain/protocol.ts';
import { postgres } from './postgres/index.ts';

/** Every protocol the gateway speaks: one line each. */
export const protocols: readonly Protocol[] = [postgres];

export function findProtocol(id: string): Protocol | undefined {
  return protocols.find((protocol) => protocol.id === id);
}
