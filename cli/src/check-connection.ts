import type { ReachedTarget } from '@countersign/gateway/api';
import { ApiClient } from './api-client.ts';

/** Whether a token gets to a target of the gateway at this address. Errors: why it does not. */
export async function checkConnection(gateway: string, target: string, token: string): Promise<ReachedTarget> {
  return new ApiClient({ url: gateway, socket: null, token }).json('GET', `/api/connect/${encodeURIComponent(target)}`);
}
