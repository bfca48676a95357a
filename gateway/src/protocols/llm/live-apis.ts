import type { RequestHead } from '../../exchange/reading.ts';
import { liveGemini } from './live-gemini.ts';
import { liveRealtime } from './live-realtime.ts';
import { liveResponses } from './live-responses.ts';
import type { LiveShape } from './live-shape.ts';

/** Matches the path of the Realtime API: https://platform.openai.com/docs/guides/realtime-websocket */
const realtime = /^(?<azure>\/openai)?(?:\/v\d+)?\/realtime$/;
/** Matches the path of Responses over WebSocket: https://developers.openai.com/api/docs/guides/websocket-mode */
const responses = /^(?:(?<azure>\/openai)|\/api)?(?:\/v\d+)?\/responses$/;
/** Matches the path of Gemini's Live API: https://ai.google.dev/api/live. Its first message names the model. */
const geminiLive = /^\/ws\/google\.(?:ai\.generativelanguage|cloud\.aiplatform)\.v\d+(?:(?:alpha|beta)\d*)?\.\w+[./]BidiGenerateContent\w*$/;

/** An API over WebSocket. */
export interface LiveApi {
  /** `gen_ai.provider.name` */
  readonly provider: string;
  readonly shape: LiveShape;
}

export function findLiveApi({ path }: RequestHead): LiveApi | null {
  const [pathname = ''] = path.split('?', 1);
  for (const [pattern, shape] of [[realtime, liveRealtime] as const, [responses, liveResponses] as const]) {
    const match = pattern.exec(pathname);
    if (match !== null) {
      return { provider: match.groups?.['azure'] === undefined ? 'openai' : 'azure.ai.openai', shape };
    }
  }
  return geminiLive.test(pathname) ? { provider: 'gcp.gemini', shape: liveGemini } : null;
}
