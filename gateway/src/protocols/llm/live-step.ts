import type { Attributes } from '../../domain/action.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import type { Step } from '../../exchange/step.ts';
import { joinPayloads } from '../../exchange/websocket/websocket-frames.ts';
import { parseBody, systemDigest } from './apis.ts';
import { idsOfProvider, type IdsOfProvider } from './given-ids.ts';
import type { JsonObject } from './json.ts';
import { findLiveApi } from './live-apis.ts';
import type { LiveShape } from './live-shape.ts';
import type { Provider } from './options.ts';

/** Longer texts of a message are in no answer to it. */
const echoedCharactersMax = 1024;

interface Asked {
  /** Of the request that opened the connection. */
  readonly head: RequestHead;
  /** The message in its frames. */
  readonly body: Uint8Array;
  readonly ids: Provider | null;
}

/** What a message of the client says, as plain data. */
export interface LiveSaid {
  readonly name: ReturnType<LiveShape['actionOf']>;
  readonly parameters: Attributes;
  readonly system: Attributes;
  /** Null where ids are anybody's. */
  readonly named: readonly string[] | null;
}

/** Errors: `malformed`, `limit_exceeded`. */
export function readLive(shape: LiveShape, ids: IdsOfProvider | null, message: JsonObject, payload: Uint8Array): LiveSaid {
  const system = systemDigest(shape.messages(message));
  return {
    name: shape.actionOf(message),
    parameters: shape.parameters(message),
    system,
    named: ids === null ? null : [...ids.named({ method: 'GET', path: '', headers: [] }, payload, message), ...shape.handlesNamed(message)],
  };
}

interface Said extends LiveSaid {
  /** What an error of ours may say again. */
  readonly echoed: JsonObject;
}

/** All that looks at the whole of a long message. */
export const step: Step<Asked, Said> = {
  module: import.meta.url,
  take: ({ head, body, ids: provider }) => {
    const shape = findLiveApi(head)?.shape;
    if (shape === undefined) {
      throw new Error('the connection is to an API that is known');
    }
    const payload = joinPayloads(Buffer.from(body.buffer, body.byteOffset, body.length));
    const message = parseBody(payload);
    const echoed = Object.fromEntries(Object.entries(message).filter(([, value]) => typeof value === 'string' && value.length <= echoedCharactersMax));
    return { ...readLive(shape, provider === null ? null : idsOfProvider(provider), message, payload), echoed };
  },
};
