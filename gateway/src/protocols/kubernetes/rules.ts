import { GatewayError } from '../../domain/errors.ts';
import { noAnswerReading, type Headers, type RequestReading } from '../../exchange/reading.ts';
import type { ExchangeRules } from '../../exchange/rules.ts';
import { targetCall } from '../../exchange/target/target-call.ts';
import { actionOf, requestAttributes } from './actions.ts';
import { step, type BodyFacts } from './body-facts.ts';
import { ways } from './effects.ts';
import { failure } from './failures.ts';
import { programTexts } from './program-texts.ts';
import { readRequestInfo, type RequestInfo } from './request-info.ts';
import { secretMembers } from './secrets.ts';

/** Headers by which a request says for whom it is made. The API believes them of the gateway's credential, so no client may send them. */
const forOthers = /^(?:impersonate[-_]|x[-_]remote[-_])/;
/** One of the types that a client accepts: an object in Protocol Buffers, which nobody can read or mask here. */
const protobuf = /^application\/vnd\.kubernetes\.protobuf\s*(?:;|$)/i;
/** The beginning of a subprotocol of WebSocket that is a credential for the API. */
const tokenProtocol = 'base64url.bearer.authorization.k8s.io.';
/** Subprotocols of WebSocket whose messages are in base64: they are older than those that are not. */
const inBase64 = /(?:^|[\s,.])base64\./;
/** The parts of pods that are spoken to over WebSocket. */
const sockets: ReadonlySet<string> = new Set(['kubernetes.attach', 'kubernetes.exec', 'kubernetes.portforward']);

/** The Kubernetes API. A request that changes something is decided on with its body. */
export const rules: ExchangeRules = {
  isReadWhole: ({ method }) => method !== 'GET' && method !== 'HEAD',
  headers: inJson,
  read: (head, body, _target, take) => {
    const info = infoOf(head);
    const known = secretMembers(info);
    const readingOf = (facts: BodyFacts | null): RequestReading => ({
      action: { name: actionOf(info), attributes: requestAttributes(info, head.method, facts) },
      answer: noAnswerReading,
      takesNull: true,
      areLines: info.verb === 'watch',
      ...(known === undefined ? {} : { knowMember: known }),
    });
    // Bytes for a program or a server behind the API are no object, and a removal needs no options.
    if (body === null || info.resource === null || ways.has(info.resource.subresource) || (body.length === 0 && head.method === 'DELETE')) {
      return readingOf(null);
    }
    const said = take(step, { headers: head.headers, body });
    return said instanceof Promise ? said.then(readingOf) : readingOf(said);
  },
  upgrade: (head) => {
    const info = infoOf(head);
    const name = actionOf(info);
    return sockets.has(name)
      ? {
          action: { name, attributes: requestAttributes(info, head.method, null) },
          reader: null,
          ...(name === 'kubernetes.portforward' ? {} : { messageTexts: programTexts }),
        }
      : null;
  },
  call: (target) => targetCall(target, 'bearer'),
  begin: (channel, call, receiver) =>
    channel.target.options['impersonate'] === true
      ? channel.call({ ...call, credential: (...sent) => impersonating(channel.principal, call.credential(...sent)) }, receiver)
      : channel.call(call, receiver),
  failure,
};

function infoOf(head: Parameters<typeof readRequestInfo>[0] & { readonly headers: Headers }): RequestInfo {
  const named = head.headers.find(([name]) => forOthers.test(name));
  if (named !== undefined) {
    throw new GatewayError('unsupported', `The header ${named[0]} is not taken from clients: the gateway alone says for whom a request is made.`);
  }
  if (head.headers.some(([name, value]) => name === 'sec-websocket-protocol' && value.includes(tokenProtocol))) {
    throw new GatewayError('unsupported', 'A credential as a subprotocol is not taken from clients: the gateway has its own for the target.');
  }
  if (head.headers.some(([name, value]) => name === 'sec-websocket-protocol' && inBase64.test(value))) {
    throw new GatewayError(
      'unsupported',
      'Channels in base64 are not taken from clients, because no texts are found in them: ask for v5.channel.k8s.io or v4.channel.k8s.io.',
    );
  }
  return readRequestInfo(head);
}

/** Returns headers that ask for objects as JSON, where a client would take them in Protocol Buffers too. */
function inJson(headers: Headers): Headers {
  return headers.map(([name, value]) => {
    if (name !== 'accept') {
      return [name, value];
    }
    const types = value.split(',').filter((type) => !protobuf.test(type.trim()));
    return [name, types.length === 0 ? 'application/json' : types.join(',')];
  });
}

type Credential = ReturnType<ReturnType<typeof targetCall>['credential']>;

/** Adds for whom the gateway makes a request. Throws GatewayError `unsupported` for a name that no header can hold. */
function impersonating(principal: string, credential: Credential): Credential {
  if (!/^[\x21-\x7e]+$/.test(principal)) {
    throw new GatewayError('unsupported', 'The name of the principal has characters that no header can hold, so the target cannot be told it.');
  }
  return { ...credential, headers: [...credential.headers, ['impersonate-user', principal]] };
}
