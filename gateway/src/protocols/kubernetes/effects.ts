import { administerEffects, anythingEffects, destroyEffects, readEffects, unknownEffects, writeEffects, type Effect } from '../../domain/effects.ts';
import { effectsOfProgram, plainProgram } from '../../domain/program-effects.ts';
import type { RequestInfo, Resource } from './request-info.ts';

/** The groups that Kubernetes itself brings. What a change in another one leads to only its controllers know. */
const ownGroups: ReadonlySet<string> = new Set([
  '',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'apps',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'extensions',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
]);
/** Groups whose objects say who may do what, or change what the API does. */
const administered: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io',
  'apiregistration.k8s.io',
  'certificates.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'rbac.authorization.k8s.io',
]);
/** Resources whose objects run programs. */
const workloads: ReadonlySet<string> = new Set([
  '/pods',
  '/replicationcontrollers',
  'apps/daemonsets',
  'apps/deployments',
  'apps/replicasets',
  'apps/statefulsets',
  'batch/cronjobs',
  'batch/jobs',
  'extensions/daemonsets',
  'extensions/deployments',
  'extensions/replicasets',
]);
/** Parts of objects that lead to something that is no object: a program, a port, another server. */
export const ways: ReadonlySet<string> = new Set(['attach', 'exec', 'portforward', 'proxy']);
const reading: ReadonlySet<string> = new Set(['get', 'list', 'watch']);
/** The methods of reading for a path of no resource. */
const readingMethods: ReadonlySet<string> = new Set(['get', 'head', 'options']);

const defineEffects: readonly Effect[] = Object.freeze(['define', 'write'] as const);
const defineAwayEffects: readonly Effect[] = Object.freeze(['define', 'destroy', 'write'] as const);
const administerAwayEffects: readonly Effect[] = Object.freeze(['administer', 'destroy', 'write'] as const);
const administerWriteEffects: readonly Effect[] = Object.freeze(['administer', 'write'] as const);
const executeEffects: readonly Effect[] = Object.freeze(['execute', 'write'] as const);
const unknownWriteEffects: readonly Effect[] = Object.freeze(['unknown', 'write'] as const);

/** Returns what a request does at most. */
export function effectsOf({ verb, resource, query }: Pick<RequestInfo, 'verb' | 'resource' | 'query'>): readonly Effect[] {
  if (resource === null) {
    return readingMethods.has(verb) ? readEffects : unknownEffects;
  }
  if (verb !== 'proxy' && resource.subresource === 'exec') {
    return effectsOfProgram(plainProgram(query.get('command') ?? ''));
  }
  if (verb === 'proxy' || ways.has(resource.subresource)) {
    return unknownEffects;
  }
  if (reading.has(verb)) {
    return readEffects;
  }
  return verb === 'delete' || verb === 'deletecollection' ? effectsOfRemoval(resource) : effectsOfChange(verb, resource);
}

/** Returns effects with the unknown ones of a body in a form that is not read. */
export function withUnreadBody(effects: readonly Effect[]): readonly Effect[] {
  return effects.includes('unknown') ? effects : [...effects, 'unknown' as const].toSorted();
}

function effectsOfRemoval({ group, resource }: Resource): readonly Effect[] {
  if (!ownGroups.has(group)) {
    return anythingEffects;
  }
  if (group === 'apiextensions.k8s.io') {
    return defineAwayEffects;
  }
  return administered.has(group) || isNode(group, resource) ? administerAwayEffects : destroyEffects;
}

function effectsOfChange(verb: string, { group, resource, subresource }: Resource): readonly Effect[] {
  if (!ownGroups.has(group)) {
    return unknownWriteEffects;
  }
  if (verb === 'create' && (group === 'authorization.k8s.io' || group === 'authentication.k8s.io')) {
    return readEffects;
  }
  if (group === 'apiextensions.k8s.io') {
    return defineEffects;
  }
  if (group === '' && resource === 'serviceaccounts' && subresource === 'token') {
    return administerEffects;
  }
  if (administered.has(group) || isNode(group, resource)) {
    return administerWriteEffects;
  }
  if (group === '' && resource === 'pods' && subresource === 'eviction') {
    return destroyEffects;
  }
  const runs = workloads.has(`${group}/${resource}`) && (subresource === '' || subresource === 'ephemeralcontainers');
  return runs ? executeEffects : writeEffects;
}

function isNode(group: string, resource: string): boolean {
  return group === '' && resource === 'nodes';
}
