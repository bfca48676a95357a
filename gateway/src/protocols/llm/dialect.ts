import type { RequestHead } from '../../wire/http/reading.ts';
import { findApi } from './routes.ts';

/** Whose way of saying errors and giving credentials a client and its server have. */
export type Dialect = 'openai' | 'anthropic' | 'gemini' | 'bedrock';

/** What the path says, else the headers that SDKs send; where nothing tells, OpenAI's, which most servers speak. */
export function dialectOf(head: RequestHead): Dialect {
  const provider = findApi(head)?.provider;
  const has = (wanted: string): boolean => provider === undefined && head.headers.some(([name]) => name === wanted);
  if (provider === 'anthropic' || has('anthropic-version')) {
    return 'anthropic';
  }
  if (provider === 'gcp.gemini' || provider === 'gcp.vertex_ai' || has('x-goog-api-client')) {
    return 'gemini';
  }
  return provider === 'aws.bedrock' || has('amz-sdk-request') ? 'bedrock' : 'openai';
}
