import { GatewayError } from '../../domain/errors.ts';

/** A provider wraps the root secret of a store: a key that this machine has, or a service or device that keeps its own key to itself. All methods reject with GatewayError `key_unavailable`, which says what to do. */
export interface RootProvider {
  /** The kind and the key, as the key store notes them and as people read them. It holds no secret. */
  readonly name: string;
  wrap(secret: Uint8Array): Promise<Uint8Array>;
  /** Returns a copy of its own, which whoever asked overwrites after use. */
  unwrap(wrapped: Uint8Array): Promise<Buffer>;
}

export const rootSecretBytes = 32;

/** Returns the kind that is in a name. */
export function kindOf(name: string): string {
  return name.split(' ')[0] ?? '';
}

export function unusable(name: string): GatewayError {
  return new GatewayError('key_unavailable', `The key ${name} does not give the root key: its answer has not the expected form.`);
}
