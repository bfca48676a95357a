import type { ActionDefinition, Attributes } from '../../domain/action.ts';
import type { RequestHead } from '../../exchange/reading.ts';

/** The catalogue of actions. Requests differ only by method and path. */
export const actions = [
  { name: 'http.request', title: 'Make a request' },
  { name: 'http.upgrade', title: 'Go on in WebSocket' },
] as const satisfies readonly ActionDefinition[];

export function requestAttributes({ method, path }: RequestHead): Attributes {
  const at = path.indexOf('?');
  return {
    'http.request.method': method,
    'url.path': at === -1 ? path : path.slice(0, at),
    ...(at === -1 ? {} : { 'url.query': path.slice(at + 1) }),
  };
}
