import { GatewayError } from '../../domain/errors.ts';
import type { RequestHead } from '../../exchange/reading.ts';

/** The object or the path that a request to a Kubernetes API is about, and the verb. */
export interface RequestInfo {
  /** In the word of Kubernetes's own authorization; for a path of no resource the method in small letters. */
  readonly verb: string;
  /** The path, decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Null: the path is of no resource. */
  readonly resource: Resource | null;
}

export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly name: string;
  readonly namespace: string;
  /** The kind of resource, in the plural; empty if the path names none. */
  readonly resource: string;
  readonly subresource: string;
}

const verbs: Readonly<Record<string, string>> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
/** Old paths that have a verb in them. */
const verbsInPath: ReadonlySet<string> = new Set(['proxy', 'watch']);
/** The parts of a namespace. Anything else behind its name is a kind of resource within the namespace. */
const partsOfNamespaces: ReadonlySet<string> = new Set(['status', 'finalize']);
/** A selector of exactly one object. */
const oneName = /^metadata\.name==?([a-z0-9][a-z0-9.:-]{0,252})$/;

/**
 * Reads what a request is about, as an API server does before it authorizes it.
 * https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/request/requestinfo.go
 * Throws GatewayError `malformed` for a path or a method that servers may read in several ways.
 */
export function readRequestInfo({ method, path: whole }: Pick<RequestHead, 'method' | 'path'>): RequestInfo {
  const at = whole.indexOf('?');
  const path = decode(at === -1 ? whole : whole.slice(0, at));
  // The constructor would leave out a question mark at the beginning, which is a part of the first name.
  const query = new URLSearchParams(at === -1 ? '' : `&${whole.slice(at + 1)}`);
  const parts = path.replace(/^\/+|\/+$/g, '').split('/');
  const [prefix, ...behind] = parts;
  const [group, version, ...rest] = prefix === 'apis' ? behind : prefix === 'api' ? ['', ...behind] : [];
  if (parts.length < 3 || group === undefined || version === undefined || rest.length === 0) {
    return { verb: method.toLowerCase(), path, query, resource: null };
  }
  const named = verbsInPath.has(rest[0] ?? '') ? (rest.shift() ?? '') : null;
  if (named !== null && rest.length === 0) {
    throw new GatewayError('malformed', `The path ends where the resource of ${named} is expected.`);
  }
  const verb = named ?? (Object.hasOwn(verbs, method) ? verbs[method] : undefined);
  if (verb === undefined) {
    throw new GatewayError('malformed', `A Kubernetes API has no verb for the method ${method}.`);
  }
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1] ?? '';
    if (rest.length > 2 && !partsOfNamespaces.has(rest[2] ?? '')) {
      rest.splice(0, 2);
    }
  }
  const [resource = '', name = '', part = ''] = rest;
  const subresource = named === null ? part : '';
  const about = { group, version, namespace, resource, subresource };
  if (name !== '') {
    return { verb, path, query, resource: { ...about, name } };
  }
  const many = verb === 'get' ? (isWatch(query) ? 'watch' : 'list') : verb === 'delete' ? 'deletecollection' : verb;
  return { verb: many, path, query, resource: { ...about, name: many === 'list' || many === 'watch' ? selectedName(query) : '' } };
}

/** True for each value but two, as Kubernetes reads a boolean in a query. */
function isWatch(query: URLSearchParams): boolean {
  const first = query.get('watch');
  return first !== null && first.toLowerCase() !== 'false' && first !== '0';
}

function selectedName(query: URLSearchParams): string {
  const selectors = query.getAll('fieldSelector');
  return selectors.length === 1 ? (oneName.exec(selectors[0] ?? '')?.[1] ?? '') : '';
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new GatewayError('malformed', 'The path is not UTF-8.', { cause });
  }
}
