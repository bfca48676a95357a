import type { Action, Attributes } from '../../domain/action.ts';
import { readEffects } from '../../domain/effects.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Target } from '../../domain/target.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import type { Upgrading } from '../../exchange/rules.ts';
import { eventBytesMax, idsAreFor } from '../../exchange/target/http-options.ts';
import { idsOfProvider } from './given-ids.ts';
import { findLiveApi, type LiveApi } from './live-apis.ts';
import { LiveReader } from './live-reader.ts';
import { providerOf } from './options.ts';
import { presentAttributes } from './parameters.ts';

const nameLengthMax = 1024;
/** The action and the reader of a request to change to WebSocket. Null if the request is for an API that is not offered over WebSocket. Throws GatewayError `malformed`. */
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
    reader: new LiveReader({ head, shape: api.shape, attributes, ids, isFor, heardBytesMax: eventBytesMax(target) }),
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
    [ownAttributes.effects]: readEffects,
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': model?.slice(0, nameLengthMax),
    'url.path': pathname,
  });
}
