import type { StreamService } from '../../domain/stream-protocol.ts';
import { serve } from './serve.ts';
import { StatementCounting } from './statement-counts.ts';
import { StatementGuards } from './statement-guards.ts';

/** Makes the service for one gateway. It has the guards of the statements of its targets. */
export function createService(): StreamService {
  const guards = new StatementGuards();
  return { serve: (client, door) => serve(client, door, guards), counting: new StatementCounting() };
}
