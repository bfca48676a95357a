import type { ReachedTarget } from '@countersign/gateway/api';
import { ApiClient } from './api-client.ts';

/** Checks that the token reaches the target through the gateway at this address. Rejects with an Error that says why it does not. */
export async function checkConnection(gateway: string, target: string, token: string): Promise<ReachedTarget> {
  return new ApiClient({ url: gateway, socket: null, token }).json('GET', `/api/v1/connect/${encodeURIComponent(target)}`);
}
