import type { Step } from '../../domain/step.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import { readFacts, type McpFacts } from './reading.ts';

interface Asked {
  readonly head: RequestHead;
  readonly body: Uint8Array;
}

/** Does all the work that needs the whole body of a request. */
export const step: Step<Asked, McpFacts> = { module: import.meta.url, take: ({ head, body }) => readFacts(head, body) };
