import type { Action } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { RequestHead } from '../../wire/http/reading.ts';
import { presentAttributes } from './parameters.ts';

const nameLengthMax = 1024;
/** https://platform.openai.com/docs/guides/realtime-websocket */
const realtime = /^(?<azure>\/openai)?(?:\/v\d+)?\/realtime$/;
/** https://ai.google.dev/api/live; the model is in the first message. */
const geminiLive = /^\/ws\/google\.(?:ai\.generativelanguage|cloud\.aiplatform)\.v\d+(?:(?:alpha|beta)\d*)?\.\w+[./]BidiGenerateContent\w*$/;

/**
 * What a request to go on in WebSocket is; null for one that asks for what plain HTTP does as well, Responses among them: there its requests are read. Frames are
 * parts of it: decided on and recorded each, and not read. Errors: `malformed`.
 */
export function liveAction({ path }: RequestHead): Action | null {
  const [pathname = '', query = ''] = path.split('?', 2);
  const match = realtime.exec(pathname);
  if (match === null && !geminiLive.test(pathname)) {
    return null;
  }
  const [model, another] = [...new URLSearchParams(query)].flatMap(([name, value]) => (/^(?:model|deployment)$/.test(name) ? [value] : []));
  if (another !== undefined) {
    throw new GatewayError('malformed', 'The address names more than one model.');
  }
  return {
    name: 'llm.talk_live',
    attributes: presentAttributes({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': match === null ? 'gcp.gemini' : match.groups?.['azure'] === undefined ? 'openai' : 'azure.ai.openai',
      'gen_ai.request.model': model?.slice(0, nameLengthMax),
      'url.path': pathname,
    }),
  };
}
