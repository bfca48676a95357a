import type { Action, Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Target } from '../../domain/target.ts';
import type { RequestHead } from '../../wire/http/reading.ts';
import type { Upgrading } from '../../wire/http/rules.ts';
import { idsAreFor } from '../../wire/http/target-options.ts';
import { idsOfProvider } from './given-ids.ts';
import { liveGemini } from './live-gemini.ts';
import { LiveReader } from './live-reader.ts';
import { liveRealtime } from './live-realtime.ts';
import { liveResponses } from './live-responses.ts';
import type { LiveShape } from './live-shape.ts';
import { providerOf } from './options.ts';
import { presentAttributes } from './parameters.ts';

const nameLengthMax = 1024;
/** https://platform.openai.com/docs/guides/realtime-websocket */
const realtime = /^(?<azure>\/openai)?(?:\/v\d+)?\/realtime$/;
/** https://developers.openai.com/api/docs/guides/websocket-mode */
const responses = /^(?:(?<azure>\/openai)|\/api)?(?:\/v\d+)?\/responses$/;
/** https://ai.google.dev/api/live; the model is in the first message. */
const geminiLive = /^\/ws\/google\.(?:ai\.generativelanguage|cloud\.aiplatform)\.v\d+(?:(?:alpha|beta)\d*)?\.\w+[./]BidiGenerateContent\w*$/;

/** An API that goes on in WebSocket. */
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

/** What a request to go on in WebSocket is; null for one that asks for what has no WebSocket. Errors: `malformed`. */
export function goLive(head: RequestHead, target: Target): Upgrading | null {
  const api = findLiveApi(head);
  const action = liveAction(head);
  if (api === null || action === null) {
    return null;
  }
  const { attributes } = action;
  const isFor = idsAreFor(target);
  const ids = isFor === null ? null : idsOfProvider(providerOf(target.options));
  return {
    action: isFor === null || ids === null ? action : { ...action, ids: { ids: ids.named(head, null), isFor, strangePass: true } },
    reader: new LiveReader({ shape: api.shape, attributes, ids, isFor }),
  };
}

export function liveAction(head: RequestHead): Action | null {
  const api = findLiveApi(head);
  return api === null ? null : { name: 'llm.talk_live', attributes: attributesOf(head, api) };
}

function attributesOf({ path }: RequestHead, { provider }: LiveApi): Attributes {
  const [pathname = '', query = ''] = path.split('?', 2);
  const [model, another] = [...new URLSearchParams(query)].flatMap(([name, value]) => (/^(?:model|deployment)$/.test(name) ? [value] : []));
  if (another !== undefined) {
    throw new GatewayError('malformed', 'The address names more than one model.');
  }
  return presentAttributes({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': model?.slice(0, nameLengthMax),
    'url.path': pathname,
  });
}
