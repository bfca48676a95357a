import type { Attributes } from '../../domain/action.ts';
import { actionText } from './action-text.ts';
import type { Step } from '../../domain/step.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import { joinPayloads } from '../../exchange/websocket/websocket-frames.ts';
import { parseBody, systemDigest } from './model-request.ts';
import { idsOfProvider, type IdsOfProvider } from './given-ids.ts';
import type { JsonObject } from './json.ts';
import { findLiveApi } from './live-apis.ts';
import type { LiveShape } from './live-shape.ts';
import { modalitiesOf } from './modalities.ts';
import type { Provider } from './options.ts';

/** Most characters of a text of a message that an error about it may repeat. */
const echoedCharactersMax = 1024;

interface Asked {
  /** The head of the request that opened the connection. */
  readonly head: RequestHead;
  /** The message in its frames. */
  readonly body: Uint8Array;
  readonly ids: Provider | null;
}

/** The facts of a message of the client, as plain data that can go between threads. */
export interface LiveSaid {
  readonly name: ReturnType<LiveShape['actionOf']>;
  readonly parameters: Attributes;
  /** Facts about the content that the message sends. */
  readonly content: Attributes;
  /** The number of characters of its texts. */
  readonly characters: number;
  /** The ids that the message names. Null: ids are not bound to an owner. */
  readonly named: readonly string[] | null;
}

/** Reads a message of the client. Throws GatewayError `malformed` or `limit_exceeded`. */
export function readLive(shape: LiveShape, ids: IdsOfProvider | null, message: JsonObject, payload: Uint8Array): LiveSaid {
  const messages = shape.messages(message);
  return {
    name: shape.actionOf(message),
    parameters: shape.parameters(message),
    content: { ...systemDigest(messages), ...modalitiesOf(messages) },
    characters: actionText(messages).pieces.reduce((sum, { text }) => sum + text.length, 0),
    named: ids === null ? null : [...ids.named({ method: 'GET', path: '', headers: [] }, payload, message), ...shape.handlesNamed(message)],
  };
}

interface Said extends LiveSaid {
  /** The short texts of the message, which an error of the gateway may repeat. */
  readonly echoed: JsonObject;
}

/** Does all the work that needs the whole of a long message. */
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
