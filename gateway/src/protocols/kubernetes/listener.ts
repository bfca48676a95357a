import { createSecureContext, type SecureContext } from 'node:tls';
import type { ExchangeListener } from '../../exchange/exchange-protocol.ts';
import { authorityOf } from './certificate.ts';
import { serverNameOf, targetOf } from './server-name.ts';

/** Most names whose certificates are kept. Anybody may ask for any name. */
const keptMax = 256;

/** Makes the listener for clients of the Kubernetes API: its authority is made of the seed, its certificates for each name that a client asks for. */
export function makeListener(seed: Uint8Array): ExchangeListener {
  const authority = authorityOf(seed);
  const kept = new Map<string, SecureContext>();
  const contextFor = (name: string): SecureContext => {
    const { certificate, key } = authority.forName(name);
    return createSecureContext({ cert: certificate, key });
  };
  return {
    shownKey: authority.certificate,
    targetOf,
    tls: {
      // A client that names no server, or another one, is told so once it has sent a request.
      context: contextFor(serverNameOf('unnamed')),
      authorities: [],
      forName: (name) => {
        if (targetOf(name) === null) {
          return null;
        }
        const context = kept.get(name) ?? contextFor(name);
        if (kept.size >= keptMax) {
          kept.clear();
        }
        kept.set(name, context);
        return context;
      },
    },
  };
}
