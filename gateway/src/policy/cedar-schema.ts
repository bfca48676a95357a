import type { ContextField, NamedType } from '../domain/context-field.ts';
import { actNames } from '../domain/recording-acts.ts';
import { circumstances, commonFields, sessionFields } from './context.ts';
import { recordingAction, recordingFacts, recordingGroup, resourceTypesOf } from './recordings.ts';
import { actionNames, tagNames, type PolicyProtocol, type PolicyTarget, type Vocabulary } from './vocabulary.ts';

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
  time: { type: 'Extension', name: 'datetime' },
};

/** Makes Cedar's schema: the entities, and the actions of all protocols with their context. Each protocol is a group of its actions. */
export function cedarSchema({ protocols, targets }: Vocabulary): Readonly<Record<string, unknown>> {
  return {
    '': {
      entityTypes: entityTypes(targets),
      commonTypes: Object.fromEntries(protocols.map((protocol) => [contextName(protocol), contextOf(protocol, targets)])),
      actions: Object.fromEntries(protocols.flatMap((protocol) => [[protocol.id, {}], ...actionsOf(protocol)])),
    },
  };
}

/** Makes Cedar's schema of what is done with recordings. It is apart from that of acts at targets, so that no policy is about both. */
export function recordingSchema({ targets }: Vocabulary): Readonly<Record<string, unknown>> {
  const context = record(Object.fromEntries(recordingFacts.map(({ name, type }) => [name, types[type]])));
  const actions = actNames.map((act) => {
    const appliesTo = { principalTypes: ['Principal'], resourceTypes: resourceTypesOf(act), context };
    return [recordingAction(act), { memberOf: [{ id: recordingGroup }], appliesTo }] as const;
  });
  return {
    '': {
      entityTypes: { ...entityTypes(targets), Class: {}, Gateway: {} },
      actions: Object.fromEntries([[recordingGroup, {}], ...actions]),
    },
  };
}

function entityTypes(targets: readonly PolicyTarget[]): Readonly<Record<string, unknown>> {
  const principal = { kind: types['text'], groups: types['texts'], onBehalfOf: types['text'] };
  const target = { protocol: types['text'], ...Object.fromEntries(tagNames(targets).map((tag) => [tag, types['text']])) };
  return {
    Group: {},
    Principal: { memberOfTypes: ['Group'], shape: record(principal) },
    Target: { shape: record(target) },
  };
}

const namedTypes: Readonly<Record<NamedType, CedarType>> = {
  namedTexts: { type: 'String' },
  namedNumbers: { type: 'Long' },
  namedBooleans: { type: 'Boolean' },
};

/** All actions of a protocol have one type of context. Cedar takes long for a type that is written out with each action. */
function contextOf(protocol: PolicyProtocol, targets: readonly PolicyTarget[]): CedarType {
  const own = targets.filter((target) => target.protocol === protocol.id);
  const fields = [...commonFields, ...protocol.context, ...circumstances].map((field) => [field.name, typeOf(field, own)] as const);
  const session = record(Object.fromEntries(sessionFields.map(({ name, type }) => [name, types[type]])));
  return record({ ...Object.fromEntries(fields), session });
}

function contextName({ id }: PolicyProtocol): string {
  return `Context_${id}`;
}

function actionsOf(protocol: PolicyProtocol): (readonly [string, unknown])[] {
  const context = { type: contextName(protocol) };
  const definition = { memberOf: [{ id: protocol.id }], appliesTo: { principalTypes: ['Principal'], resourceTypes: ['Target'], context } };
  return actionNames(protocol).map((name) => [name, definition] as const);
}

/** Returns the type of a field. One of values by name has those that any target names; a request need not have them. */
function typeOf(field: Pick<ContextField, 'namedBy'> & { readonly type: string }, targets: readonly PolicyTarget[]): CedarType | undefined {
  const { type, namedBy } = field;
  if (namedBy === undefined || !isNamed(type)) {
    return types[type];
  }
  const names = targets.flatMap(({ options = {} }) => Object.keys(Object(options[namedBy] ?? {})));
  return record(Object.fromEntries(names.map((name) => [name, { ...namedTypes[type], required: false }])));
}

function isNamed(type: string): type is NamedType {
  return Object.hasOwn(namedTypes, type);
}

function record(attributes: Readonly<Record<string, CedarType | undefined>>): CedarType {
  return { type: 'Record', attributes };
}
