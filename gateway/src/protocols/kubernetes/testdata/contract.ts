import type { ProtocolContract, Served, ServedShape } from '../../../../../tests/support/contract.ts';

const configMap = (words: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'notes' }, data: { said: words } });
const as =
  (type: string, write: (words: string) => Buffer | string, more: Omit<Served, 'body'> = {}) =>
  (words: string): Served => ({ ...more, headers: { 'content-type': type }, body: Buffer.from(write(words)) });

/** Every shape in which an API may answer. */
const shapes: readonly ServedShape[] = [
  { name: 'an object in JSON', outcome: 'masked', serve: as('application/json', configMap) },
  {
    name: 'a list in JSON',
    outcome: 'masked',
    serve: as('application/json', (words) => `{"kind":"ConfigMapList","apiVersion":"v1","items":[${configMap(words)},${configMap(words)}]}`),
  },
  {
    name: 'a Status of an error',
    outcome: 'masked',
    serve: as('application/json', (words) => JSON.stringify({ kind: 'Status', status: 'Failure', message: words, code: 409 }), { status: 409 }),
  },
  { name: 'gzip', outcome: 'masked', serve: as('application/json', configMap, { coding: 'gzip' }) },
  { name: 'the log of a container (`text/plain`)', outcome: 'masked', serve: as('text/plain', (words) => `said ${words}\n`) },
  { name: 'an object in Protocol Buffers', outcome: 'refused', serve: as('application/vnd.kubernetes.protobuf', (words) => `k8s\0\n\u{2}v1 ${words}`) },
  { name: 'YAML', outcome: 'refused', serve: as('application/yaml', (words) => `said: ${words}\n`) },
];

/** @public The tests find it by the protocol's id. */
export const contract: ProtocolContract = {
  transport: 'exchange',
  ways: [
    {
      target: 'cluster',
      path: '/api/v1/namespaces/default/configmaps',
      type: 'application/json',
      claims: [],
      socket: { path: '/api/v1/namespaces/default/pods/web/exec?command=cat', message: (said) => said },
      body: configMap,
      shapes,
    },
  ],
};
