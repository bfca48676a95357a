import type { ActionDefinition, Attributes } from '../../domain/action.ts';
import type { ContextField } from '../../domain/context-field.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import type { BodyFacts } from './body-facts.ts';
import { effectsOf, withUnreadBody } from './effects.ts';
import { readRequestInfo, type RequestInfo } from './request-info.ts';

/** The catalogue of actions: the verbs of Kubernetes's own authorization, and the ways that lead out of the API. */
export const actions = [
  { name: 'kubernetes.get', title: 'Read an object' },
  { name: 'kubernetes.list', title: 'List objects' },
  { name: 'kubernetes.watch', title: 'Watch objects' },
  { name: 'kubernetes.create', title: 'Create an object' },
  { name: 'kubernetes.update', title: 'Replace an object' },
  { name: 'kubernetes.patch', title: 'Change or apply an object' },
  { name: 'kubernetes.delete', title: 'Delete an object' },
  { name: 'kubernetes.deletecollection', title: 'Delete all objects of a kind' },
  { name: 'kubernetes.proxy', title: 'Reach a pod, a service or a node through the API' },
  { name: 'kubernetes.exec', title: 'Run a program in a container' },
  { name: 'kubernetes.attach', title: 'Attach to a program in a container' },
  { name: 'kubernetes.portforward', title: 'Reach ports of a pod' },
  { name: 'kubernetes.path', title: 'Ask for a path of no resource: versions, discovery, health' },
] as const satisfies readonly ActionDefinition[];

type ActionName = (typeof actions)[number]['name'];

/** The facts that policies may speak of. */
export const context: readonly ContextField[] = [
  {
    name: 'verb',
    type: 'text',
    attribute: ownAttributes.clusterVerb,
    absent: '',
    title:
      'The verb of Kubernetes: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; of a path of no resource its method: `get`.',
  },
  {
    name: 'apiGroup',
    type: 'text',
    attribute: ownAttributes.clusterApiGroup,
    absent: '',
    title: 'The group of the API: `apps`. Empty for the core group, which has pods and secrets.',
  },
  {
    name: 'resource',
    type: 'text',
    attribute: ownAttributes.clusterResource,
    absent: '',
    title: 'The kind of resource, in the plural: `pods`. Empty for a path of no resource.',
  },
  {
    name: 'subresource',
    type: 'text',
    attribute: ownAttributes.clusterSubresource,
    absent: '',
    title: 'The part of the object: `log`, `exec`, `scale`. Empty for all of it.',
  },
  {
    name: 'namespace',
    type: 'text',
    attribute: ownAttributes.clusterNamespace,
    absent: '',
    title: 'The namespace. Empty where the request is about all of them, or about what is in none.',
  },
  {
    name: 'name',
    type: 'text',
    attribute: ownAttributes.clusterName,
    absent: '',
    title: 'The name of the object. Empty where the request is about several, or the API makes the name.',
  },
  { name: 'path', type: 'text', attribute: 'url.path', absent: '', isContent: true, title: 'The path at the API.' },
  {
    name: 'command',
    type: 'text',
    attribute: 'process.command_line',
    absent: '',
    isContent: true,
    title: 'The command that is to run in a container, its words joined by spaces.',
  },
  { name: 'dryRun', type: 'boolean', attribute: ownAttributes.clusterDryRun, absent: false, title: 'True if the change is tried alone, and stays undone.' },
];

const actionNames: ReadonlySet<string> = new Set(actions.map(({ name }) => name));

/** Returns the action of a request. */
export function actionOf({ verb, resource }: RequestInfo): ActionName {
  if (resource === null) {
    return 'kubernetes.path';
  }
  const { subresource } = resource;
  const named = `kubernetes.${subresource === 'proxy' || subresource === 'exec' || subresource === 'attach' || subresource === 'portforward' ? subresource : verb}`;
  return isAction(named) ? named : 'kubernetes.path';
}

function isAction(name: string): name is ActionName {
  return actionNames.has(name);
}

/** Returns the facts of a request as attributes. An empty one is left out. `body`: null if none is read. */
export function requestAttributes(info: RequestInfo, method: string, body: BodyFacts | null): Attributes {
  const { verb, path, query, resource } = info;
  const effects = effectsOf(info);
  const command = resource?.subresource === 'exec' ? query.getAll('command').join(' ') : '';
  const texts = {
    [ownAttributes.clusterApiGroup]: resource?.group,
    [ownAttributes.clusterResource]: resource?.resource,
    [ownAttributes.clusterSubresource]: resource?.subresource,
    [ownAttributes.clusterNamespace]: resource?.namespace === '' ? body?.namespace : resource?.namespace,
    [ownAttributes.clusterName]: resource?.name === '' && verb === 'create' ? body?.name : resource?.name,
    'process.command_line': command,
  };
  return {
    'http.request.method': method,
    'url.path': path,
    [ownAttributes.effects]: body?.isReadable === false ? withUnreadBody(effects) : effects,
    [ownAttributes.clusterVerb]: verb,
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined && text !== '')),
    ...(isDryRun(info, method, body) ? { [ownAttributes.clusterDryRun]: true } : {}),
  };
}

/** True only where every reader takes it for a trial. The options in the body of a removal count in place of the query. */
function isDryRun({ query }: RequestInfo, method: string, body: BodyFacts | null): boolean {
  if (method === 'DELETE' && body !== null) {
    return body.isDryRun;
  }
  const asked = query.getAll('dryRun');
  return asked.length > 0 && asked.every((each) => each === 'All');
}

/** Reads a request that is written as `METHOD PATH`. */
export function readExample(text: string): Attributes {
  const [method = '', path = '/'] = text.trim().split(/\s+/);
  return requestAttributes(readRequestInfo({ method, path } satisfies Pick<RequestHead, 'method' | 'path'>), method, null);
}
