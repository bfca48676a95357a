import { readHoldMode, type HoldMode } from '../../domain/approval.ts';
import { GatewayError } from '../../domain/errors.ts';
import { canonicalJson } from '../../content/exact-json.ts';
import { decodeUtf8 } from '../../content/strict-json.ts';
import { isObject, type Message } from './messages.ts';

/** The member of `_meta` in which a client says how it wants to learn the outcome of a held request: `wait` or `return`. */
const holdMember = 'countersign/hold';
/** The members of `_meta` that clients make anew with each attempt, or that are for the gateway. */
const attemptMembers: ReadonlySet<string> = new Set(['progressToken', 'traceparent', 'tracestate', holdMember]);

/** Returns how the client of a message wants to learn the outcome if it is held. Empty: it does not say. */
export function holdOf(message: Message | undefined): { readonly hold?: HoldMode } {
  const meta = message !== undefined && 'params' in message ? message.params['_meta'] : null;
  const wish = isObject(meta) ? meta[holdMember] : null;
  const hold = typeof wish === 'string' ? readHoldMode(wish) : null;
  return hold === null ? {} : { hold };
}

/** Returns the body by which a request is known again: without its id and what else is new in each attempt. A body that is no JSON stays as it is. */
export function knownBody(body: Uint8Array): Uint8Array {
  try {
    return Buffer.from(canonicalJson(decodeUtf8(body), withoutAttempt));
  } catch (error) {
    if (error instanceof GatewayError) {
      return body;
    }
    throw error;
  }
}

function withoutAttempt(message: unknown): unknown {
  if (!isObject(message) || typeof message['method'] !== 'string') {
    return message;
  }
  const { id: _id, params, ...rest } = message;
  if (!isObject(params) || !isObject(params['_meta'])) {
    return params === undefined ? rest : { ...rest, params };
  }
  const meta = Object.fromEntries(Object.entries(params['_meta']).filter(([name]) => !attemptMembers.has(name)));
  const { _meta, ...asked } = params;
  return { ...rest, params: Object.keys(meta).length === 0 ? asked : { ...asked, _meta: meta } };
}
