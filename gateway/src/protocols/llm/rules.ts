import type { Target } from '../../domain/target.ts';
import { headerOf, type RequestHead } from '../../exchange/reading.ts';
import type { ExchangeRules } from '../../exchange/rules.ts';
import { eventBytesMax, idsAreFor } from '../../exchange/target/http-options.ts';
import { targetCall } from '../../exchange/target/target-call.ts';
import { readModelRequest } from './model-request.ts';
import { describeFailure, describeFailureInStream, type Dialect } from './failures.ts';
import { idsOfProvider, type IdsOfProvider } from './given-ids.ts';
import { goLive } from './live.ts';
import { type Provider, providerAuth, providerOf, providerUrls } from './options.ts';
import { step } from './request-step.ts';
import { findApi } from './apis.ts';
import { findParts, findPartsInUnknown } from './streamed-texts.ts';

/** Handles requests to model providers. The body of a known API is read whole before it is decided on. Other requests to the provider pass as they come, with the action `unknown`. */
export const rules: ExchangeRules = {
  isReadWhole: (head, target) => findApi(head)?.takesBody === true || boundIds(target)?.isReadWhole(head) === true,
  path: withVersion,
  tokenParameter: 'key',
  read: async (head, body, target, take) => {
    const bytes = body ?? new Uint8Array();
    const { facts, named, keepsNothing } = await take(step, { head, body: bytes, ids: boundProvider(target) });
    const api = findApi(head);
    const { action, answer } = readModelRequest(head, bytes, { api, facts, eventBytes: eventBytesMax(target) });
    const ids = boundIds(target);
    const isFor = idsAreFor(target);
    return {
      // An id that was given to nobody here was made elsewhere: in the provider's console, or before the gateway was used. It may pass.
      action: named === null || isFor === null ? action : { ...action, ids: { ids: named, isFor, strangePass: true } },
      answer: named === null || ids === null || keepsNothing ? answer : ids.follow(head, named, answer),
      findParts: api === null ? findPartsInUnknown : findParts,
      // A conversation is sent whole with each turn.
      repeats: true,
      // Answers of models hold no such addresses.
      urlMembers: api === null ? providerUrls[providerOf(target.options)] : [],
    };
  },
  upgrade: goLive,
  call: (target) => {
    const provider = providerOf(target.options);
    const call = targetCall(target, providerAuth[provider]);
    // Bedrock names models by ARNs, and its SDK encodes the slashes in them.
    return provider === 'bedrock' ? { ...call, allowsEncodedSlash: true } : call;
  },
  failure: ({ problem, head }) => describeFailure(dialectOf(head), problem),
  lastEvent: ({ problem, head }, answered) => describeFailureInStream(dialectOf(head), headerOf(answered.headers, 'content-type') ?? '', problem),
};

/** The paths of Anthropic's API below its version. */
const anthropicResource = /^\/(?:messages|models|complete|files|skills|organizations)(?=[/?]|$)/;

/**
 * Returns a path with the version of the API exactly once. If the target's configured address ends with a version, that one is sent. Anthropic's clients may
 * leave the version out; then it is added.
 */
function withVersion(path: string, { path: base, options }: Target): string {
  if (/\/v\d+\w*$/.test(base)) {
    return path.replace(/^\/v\d+\w*(?=\/)/, '');
  }
  return providerOf(options) === 'anthropic' && anthropicResource.test(path) ? `/v1${path}` : path;
}

function boundProvider(target: Target): Provider | null {
  return idsAreFor(target) === null ? null : providerOf(target.options);
}

function boundIds(target: Target): IdsOfProvider | null {
  const provider = boundProvider(target);
  return provider === null ? null : idsOfProvider(provider);
}

/** Chooses the form of errors by the path, which tells whose client it is even before anything else is known. For an unknown path, headers that SDKs send decide. */
function dialectOf(head: RequestHead): Dialect {
  const has = (name: string): boolean => headerOf(head.headers, name) !== undefined;
  const byHeaders = has('anthropic-version') ? 'anthropic' : has('x-goog-api-client') ? 'gemini' : has('amz-sdk-request') ? 'bedrock' : 'openai';
  return findApi(head)?.dialect ?? byHeaders;
}
