import type { ServiceParts } from '../../domain/service.ts';
import type { StreamService } from '../../domain/stream-protocol.ts';
import { hostKeyOf } from './host-key.ts';

/** Makes the service for one gateway. What speaks SSH is loaded for the first client. */
export function createService({ seedOf }: ServiceParts): StreamService {
  return {
    serve: async (client, door) => {
      const { serve } = await import('./serve.ts');
      await serve(client, door, seedOf('ssh'));
    },
    shownKey: () => hostKeyOf(seedOf('ssh')).shown,
  };
}
