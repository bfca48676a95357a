import { ApiClient } from './api-client.ts';
import type { LocationOptions } from './location-options.ts';
import { callerToken } from './location.ts';

const tokenMs = 12 * 3_600_000;

export interface PassOptions extends LocationOptions {
  /** The principal to make a token for. Without it the token of the caller is used. */
  readonly as?: string;
}

export interface Pass {
  /** Resolves with the token to show now: that of who signed in is refreshed before it ends. */
  readonly token: () => Promise<string>;
  giveBack(): Promise<void>;
}

/** Makes a token for the duration of a command, or returns that of the caller for the gateway at this address. */
export async function passFor(gateway: string, options: PassOptions): Promise<Pass> {
  if (options.as === undefined) {
    return { token: async () => callerToken(gateway), giveBack: async () => Promise.resolve() };
  }
  const api = await ApiClient.open(options);
  const { token, id } = await api.json<{ readonly token: string; readonly id: string }>('POST', '/api/v1/tokens', { principal: options.as, ttlMs: tokenMs });
  return { token: async () => Promise.resolve(token), giveBack: async () => api.json('DELETE', `/api/v1/tokens/${id}`) };
}
