// oxlint-disable-next-line import/default -- Vite makes the module of this name, which has the address
import address from './verify-worker.ts?worker&url';

interface TrustedAddresses {
  readonly createScriptURL: (address: string) => string;
}

declare global {
  interface Window {
    /** https://w3c.github.io/trusted-types; browsers without it ask for no trusted address. */
    readonly trustedTypes?: { readonly createPolicy: (name: string, rules: TrustedAddresses) => TrustedAddresses };
  }
}

/** The policy of the page allows this one alone, once. */
const trusted = window.trustedTypes?.createPolicy('worker', { createScriptURL: () => address });

/** Starts the thread that verifies. */
export function startWorker(): Worker {
  return new Worker(trusted?.createScriptURL(address) ?? address, { type: 'module' });
}
