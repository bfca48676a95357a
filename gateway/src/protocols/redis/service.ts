import type { StreamService } from '../../domain/stream-protocol.ts';
import { serve } from './serve.ts';

/** Makes the service for one gateway. */
export function createService(): StreamService {
  return { serve };
}
