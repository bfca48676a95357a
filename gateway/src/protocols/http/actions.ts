import type { ContextField } from '../../domain/context-field.ts';
import { anythingEffects, destroyEffects, readEffects, unknownEffects, writeEffects, type Effect } from '../../domain/effects.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { ActionDefinition, Attributes } from '../../domain/action.ts';
import type { TargetFacts } from '../../domain/target.ts';
import { overridesMethod } from '../../exchange/headers.ts';
import { plainPath } from '../../exchange/path.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import { namedPlaces, namesPlaces, step } from './body-facts.ts';
import { routeOf } from './routes.ts';

/** The catalogue of actions. Requests differ only by method and path. */
export const actions = [
  { name: 'http.request', title: 'Make a request' },
  { name: 'http.upgrade', title: 'Go on in WebSocket' },
] as const satisfies readonly ActionDefinition[];

/** The methods that Node reads. They are named here because `node:http` loads much more, of which the threads that read need nothing. */
export const methods: readonly string[] = (
  'ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH ' +
  'PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE'
).split(' ');

/** The facts that policies may speak of. */
export const context: readonly ContextField[] = [
  { name: 'method', type: 'text', attribute: 'http.request.method', absent: '', oneOf: methods, title: 'The method of the request, in capitals.' },
  {
    name: 'path',
    type: 'text',
    attribute: 'url.path',
    absent: '',
    isContent: true,
    title: "The path at the target, normalised, below the target's own: percent encoding is undone where it need not be.",
  },
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
  {
    name: 'bodyReadable',
    type: 'boolean',
    attribute: ownAttributes.bodyReadable,
    absent: false,
    title: "True if there is no body, or JSON that all parsers read alike. Always false where the target's option `body` names no values.",
  },
  {
    name: 'bodyNumbers',
    type: 'namedNumbers',
    attribute: ownAttributes.body,
    absent: [],
    isContent: true,
    namedBy: 'body',
    title:
      "The whole numbers among the values of the JSON body that the target's option `body` names: `context.bodyNumbers has amount && context.bodyNumbers.amount <= 100`.",
  },
  {
    name: 'bodyTexts',
    type: 'namedTexts',
    attribute: ownAttributes.body,
    absent: [],
    isContent: true,
    namedBy: 'body',
    title: 'The texts among them, of at most 256 characters.',
  },
  {
    name: 'bodyBooleans',
    type: 'namedBooleans',
    attribute: ownAttributes.body,
    absent: [],
    isContent: true,
    namedBy: 'body',
    title: 'The booleans among them.',
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

export function requestAttributes({ method, path, headers }: RequestHead, target: Pick<TargetFacts, 'options'>): Attributes {
  const at = path.indexOf('?');
  const pathAlone = plainPath(at === -1 ? path : path.slice(0, at));
  const route = routeOf(pathAlone, target);
  return {
    'http.request.method': method,
    [ownAttributes.effects]: overridesMethod({ path, headers }) ? anythingEffects : effectsOf(method),
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

const example = /^\s*(\S+)(?:\s+(\S+))?\s*([^]*)$/;

/** Reads a request that is written as `METHOD PATH BODY`. The body is JSON, and may be left out. */
export function readExample(text: string, target: Pick<TargetFacts, 'options'>): Attributes {
  const [, method = '', path = '/', body = ''] = example.exec(text) ?? [];
  const headers = [['content-type', 'application/json']] as const;
  const facts = requestAttributes({ method, path, headers }, target);
  return namesPlaces(target) ? { ...facts, ...step.take({ headers, body: Buffer.from(body.trim()), places: namedPlaces(target) }) } : facts;
}
