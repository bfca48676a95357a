import { findSecretVariables } from '@countersign/gateway/location';
import { rootKeyVariable } from '@countersign/gateway/store';
import type { LocationOptions } from './location-options.ts';

/**
 * Returns the environment for a command that runs another program: the environment of this process without the variables that hold secrets of the gateway, and
 * `given`. On the gateway's machine this process may have such variables, and a program that has the credential of a target could go past the gateway.
 * TRACESTATE is removed too, because it belongs to our own TRACEPARENT and not to the one that is given.
 */
export function commandEnvironment({ config }: LocationOptions, given: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const secrets = findSecretVariables(config);
  const kept = Object.entries(process.env).filter(([name]) => name !== rootKeyVariable && name !== 'TRACESTATE' && !secrets.has(name));
  return { ...Object.fromEntries(kept), ...given };
}
