import { findSecretVariables } from '@countersign/gateway/location';
import { rootKeyVariable } from '@countersign/gateway/store';
import type { LocationOptions } from './location-options.ts';

/**
 * The environment for a command that runs somebody else's program: ours without the variables that hold secrets of the gateway, and `given`. On the gateway's machine ours may well have
 * them, and who has the credential of a target needs no gateway. What our own trace says of itself belongs to its TRACEPARENT, not to the one that is given.
 */
export function commandEnvironment({ config }: LocationOptions, given: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const secrets = findSecretVariables(config);
  const kept = Object.entries(process.env).filter(([name]) => name !== rootKeyVariable && name !== 'TRACESTATE' && !secrets.has(name));
  return { ...Object.fromEntries(kept), ...given };
}
