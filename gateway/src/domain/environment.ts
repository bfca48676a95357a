import type { Attributes } from './action.ts';
import { ownAttributes } from './own-attributes.ts';

/** The facts that are the same for everything that a gateway records at one time: its software, its configuration and its policies. A change of one of them makes another object. */
export interface Environment {
  readonly policyVersion: string;
  /** The facts other than the version of the policies, which has a place of its own in a record. */
  readonly attributes: Attributes;
}

/** Returns the environment that is in force now. It is asked for every record, so the answer is an object that was made before. */
export type CurrentEnvironment = () => Environment;

/** The program that records. */
export interface Software {
  readonly name: string;
  readonly version: string;
  /** The version of Node that runs it. */
  readonly runtime: string;
}

/** The action of the record that states an environment which differs from the one before. */
export const changeEnvironment = 'gateway.change_environment';

/** Makes an environment. `configuration`: the SHA-256 digest of the configuration file, hexadecimal. */
export function makeEnvironment(
  { name, version, runtime }: Software,
  { configuration, policyVersion }: { readonly configuration: string; readonly policyVersion: string },
): Environment {
  return {
    policyVersion,
    attributes: {
      [ownAttributes.configurationSha256]: configuration,
      'service.name': name,
      'service.version': version,
      'process.runtime.name': 'nodejs',
      'process.runtime.version': runtime,
    },
  };
}

/** True if a record with these attributes states the environment of itself and of those after it in its session. */
export function statesEnvironment(attributes: Attributes): boolean {
  return attributes[ownAttributes.configurationSha256] !== undefined;
}

/** Returns the attribute for the tags of a target; empty if it has none. */
export function tagsAttribute(tags: Readonly<Record<string, string>> = {}): Attributes {
  const told = Object.entries(tags).map(([name, value]) => `${name}=${value}`);
  return told.length === 0 ? {} : { [ownAttributes.targetTags]: told };
}
