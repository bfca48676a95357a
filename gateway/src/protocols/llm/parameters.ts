import type { Attributes, AttributeValue } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { isObject, type JsonObject, memberOf } from './json.ts';

/**
 * Finds a member of an object by its name. The `expect…` functions read the members of a request that policy sees. A member of another type than the API
 * documents is refused, because the target may read it differently (ATTACKS A12); a member longer than the limit is refused and not cut. null counts as absent,
 * as it does for the providers. All of them throw GatewayError `malformed` or `limit_exceeded`.
 */
export type Find = (object: JsonObject, name: string) => unknown;

const nameCharactersMax = 1024;
const namesMax = 2048;
const none: Attributes = {};

export function expectText(object: JsonObject, name: string, find: Find = memberOf): string | undefined {
  const value = find(object, name) ?? undefined;
  if (value === undefined || typeof value === 'string') {
    return value === undefined ? undefined : checkName(value, name);
  }
  throw wrongType(name, 'a string');
}

export function expectNumber(object: JsonObject, name: string, find: Find = memberOf): number | undefined {
  const value = find(object, name) ?? undefined;
  if (value === undefined || typeof value === 'number') {
    return value;
  }
  throw wrongType(name, 'a number');
}

export function expectBoolean(object: JsonObject, name: string, find: Find = memberOf): boolean | undefined {
  const value = find(object, name) ?? undefined;
  if (value === undefined || typeof value === 'boolean') {
    return value;
  }
  throw wrongType(name, 'true or false');
}

/** The member if it is an object; an empty object if it is absent. Throws as described at `Find`. */
export function expectObject(object: JsonObject, name: string, find: Find = memberOf): JsonObject {
  const value = find(object, name) ?? {};
  if (isObject(value)) {
    return value;
  }
  throw wrongType(name, 'an object');
}

export function expectObjects(object: JsonObject, name: string, find: Find = memberOf): readonly JsonObject[] {
  const value = find(object, name) ?? [];
  if (Array.isArray(value) && value.every(isObject)) {
    return value;
  }
  throw wrongType(name, 'a list of objects');
}

/** The member if it is a list of strings; an empty list if it is absent. Throws as described at `Find`. */
export function expectTexts(object: JsonObject, name: string): readonly string[] {
  const value = memberOf(object, name) ?? [];
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) {
    return value.map((each) => checkName(each, name));
  }
  throw wrongType(name, 'a list of strings');
}

/** A tool that a request offers to the model. */
export interface OfferedTool {
  /** The tool's own name. A tool without one is known by its type. */
  readonly name: string;
  /** True unless it is known that the client runs the tool: the provider runs it, or may. */
  readonly isByProvider: boolean;
}

/**
 * `gen_ai.tool.definitions`: the names of the tools that the request offers, each once; `countersign.server_tools`: those of them that the provider runs.
 * Schemas and descriptions are in the recorded bytes.
 */
export function toolDefinitions(tools: readonly OfferedTool[]): Attributes {
  const atProvider = tools.filter(({ isByProvider }) => isByProvider);
  return {
    ...listed(
      'gen_ai.tool.definitions',
      tools.map(({ name }) => name),
    ),
    ...listed(
      ownAttributes.serverTools,
      atProvider.map(({ name }) => name),
    ),
  };
}

/** Returns tools with these names, which the provider runs. */
export function providerTools(names: readonly string[]): readonly OfferedTool[] {
  return names.map((name) => ({ name, isByProvider: true }));
}

/** Returns tools with these names, which the client runs. */
export function clientTools(names: readonly string[]): readonly OfferedTool[] {
  return names.map((name) => ({ name, isByProvider: false }));
}

/** `countersign.other_models`: models, besides the one that is named, that may answer or that the provider may ask. */
export function otherModels(names: readonly string[]): Attributes {
  return listed(ownAttributes.otherModels, names);
}

/** `countersign.provider_context`: what the provider keeps and adds to the prompt, so that it is not in this request. Each is given as `member=id`. */
export function providerContext(ids: Readonly<Record<string, string | undefined>>): Attributes {
  return listed(
    ownAttributes.providerContext,
    Object.entries(ids).flatMap(([name, id]) => (id === undefined ? [] : [`${name}=${id}`])),
  );
}

function listed(attribute: string, values: readonly string[]): Attributes {
  if (values.length === 0) {
    return none;
  }
  const names = [...new Set(values)];
  if (names.length > namesMax) {
    throw new GatewayError('limit_exceeded', `A request names more than ${namesMax} tools or models.`);
  }
  return { [attribute]: names };
}

/** Leaves out the attributes whose value is undefined. */
export function presentAttributes(values: Readonly<Record<string, AttributeValue | undefined>>): Attributes {
  const present: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) {
      present[name] = value;
    }
  }
  return present;
}

function checkName(value: string, name: string): string {
  if (value.length > nameCharactersMax) {
    throw new GatewayError('limit_exceeded', `\`${name}\` of a request is longer than ${nameCharactersMax} characters.`);
  }
  return value;
}

function wrongType(name: string, expected: string): GatewayError {
  return new GatewayError('malformed', `\`${name}\` of a request is not ${expected}.`);
}
