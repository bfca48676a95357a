import type { ContextField } from '../../domain/context-field.ts';
import { anythingEffects, destroyEffects, readEffects, unknownEffects, writeEffects, type Effect } from '../../domain/effects.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { ActionDefinition, Attributes } from '../../domain/action.ts';
import type { TargetFacts } from '../../domain/target.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import { routeOf } from './routes.ts';

/** The catalogue of actions. Requests differ only by method and path. */
export const actions = [
  { name: 'http.request', title: 'Make a request' },
  { name: 'http.upgrade', title: 'Go on in WebSocket' },
] as const satisfies readonly ActionDefinition[];

/** The facts that policies may speak of. */
export const context: readonly ContextField[] = [
  { name: 'method', type: 'text', attribute: 'http.request.method', absent: '', title: 'The method of the request, in capitals.' },
  { name: 'path', type: 'text', attribute: 'url.path', absent: '', isContent: true, title: "The path at the target, normalised, below the target's own." },
  {
    name: 'route',
    type: 'text',
    attribute: 'http.route',
    absent: '',
    title: "The first of the target's `routes` that the path matches, as /v1/tickets/{id}; empty if there is none.",
  },
  {
    name: 'query',
    type: 'text',
    attribute: 'url.query',
    absent: '',
    isContent: true,
    title: 'What stands after the question mark of the path, as it is sent.',
  },
];

/** The effects of each method, by RFC 9110 and RFC 5789. Any other method may do anything. */
const effectsByMethod: Readonly<Record<string, readonly Effect[]>> = {
  GET: readEffects,
  HEAD: readEffects,
  OPTIONS: readEffects,
  TRACE: readEffects,
  POST: writeEffects,
  PUT: writeEffects,
  PATCH: writeEffects,
  DELETE: destroyEffects,
};

/** Headers by which a request may ask the target for another method than its own. */
const overridesMethod = /^x-(?:http-)?method(?:-override)?$/;

export function requestAttributes({ method, path, headers }: RequestHead, target: Pick<TargetFacts, 'options'>): Attributes {
  const at = path.indexOf('?');
  const pathAlone = at === -1 ? path : path.slice(0, at);
  const route = routeOf(pathAlone, target);
  return {
    'http.request.method': method,
    [ownAttributes.effects]: headers.some(([name]) => overridesMethod.test(name)) ? anythingEffects : effectsOf(method),
    'url.path': pathAlone,
    ...(route === null ? {} : { 'http.route': route }),
    ...(at === -1 ? {} : { 'url.query': path.slice(at + 1) }),
  };
}

/** Returns the facts of a request to go on in WebSocket. Nobody here knows what the messages of the connection do. */
export function upgradeAttributes(head: RequestHead, target: Pick<TargetFacts, 'options'>): Attributes {
  return { ...requestAttributes(head, target), [ownAttributes.effects]: unknownEffects };
}

function effectsOf(method: string): readonly Effect[] {
  return Object.hasOwn(effectsByMethod, method) ? (effectsByMethod[method] ?? unknownEffects) : unknownEffects;
}

/** Reads a request that is written as `METHOD PATH`. No target's routes are known. */
export function readExample(text: string): Attributes {
  const [method = '', path = '/'] = text.trim().split(/\s+/, 2);
  return requestAttributes({ method, path, headers: [] }, { options: {} });
}
