import { circumstances, commonFields, sessionFields } from './context.ts';
import { actionNames, tagNames, type PolicyProtocol, type Vocabulary } from './vocabulary.ts';

interface CedarType {
  readonly type: string;
  readonly [detail: string]: unknown;
}

const types: Readonly<Record<string, CedarType>> = {
  text: { type: 'String' },
  texts: { type: 'Set', element: { type: 'String' } },
  number: { type: 'Long' },
  boolean: { type: 'Boolean' },
  address: { type: 'Extension', name: 'ipaddr' },
};

/** Makes Cedar's schema: the entities, and the actions of all protocols with their context. Each protocol is a group of its actions. */
export function cedarSchema({ protocols, targets }: Vocabulary): Readonly<Record<string, unknown>> {
  const principal = { kind: types['text'], groups: types['texts'], onBehalfOf: types['text'] };
  const target = { protocol: types['text'], ...Object.fromEntries(tagNames(targets).map((tag) => [tag, types['text']])) };
  return {
    '': {
      entityTypes: {
        Group: {},
        Principal: { memberOfTypes: ['Group'], shape: record(principal) },
        Target: { shape: record(target) },
        Session: {},
        Recording: {},
      },
      actions: Object.fromEntries(protocols.flatMap((protocol) => [[protocol.id, {}], ...actionsOf(protocol)])),
    },
  };
}

function actionsOf(protocol: PolicyProtocol): (readonly [string, unknown])[] {
  const fields = [...commonFields, ...protocol.context, ...circumstances].map(({ name, type }) => [name, types[type]] as const);
  const session = record(Object.fromEntries(sessionFields.map(({ name, type }) => [name, types[type]])));
  const context = record({ ...Object.fromEntries(fields), session });
  const definition = { memberOf: [{ id: protocol.id }], appliesTo: { principalTypes: ['Principal'], resourceTypes: ['Target'], context } };
  return actionNames(protocol).map((name) => [name, definition] as const);
}

function record(attributes: Readonly<Record<string, CedarType | undefined>>): CedarType {
  return { type: 'Record', attributes };
}
