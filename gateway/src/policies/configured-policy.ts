import { builtInNames, classNames } from '../classes/built-in-names.ts';
import type { Config } from '../config/config.ts';
import { policyFiles } from '../config/policies.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Steps } from '../domain/step.ts';
import { CedarPolicy } from '../policy/cedar-policy.ts';
import { grantPolicy } from '../policy/grants.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import type { PolicyText } from '../domain/policy-source.ts';
import { printPlaced } from '../policy/policy-text.ts';
import { step as check } from './check-step.ts';
import { policyOf, step, vocabularyOf, type PolicyGrounds } from './policy-step.ts';

/** Returns the files that the policy of a configuration is made from, the configuration itself first. */
export function filesOfPolicy({ file, policies }: Config): readonly string[] {
  return policies === null ? [file] : [file, ...policyFiles(policies)];
}

/** Makes the policy that a configuration says: its grants, and the policies of its files, or of those of `path`. Throws GatewayError `config_invalid` with all faults of the files. */
export function configuredPolicy(config: Config, path: string | null = config.policies): PolicyEngine {
  return policyOf(groundsOf(config, path), config.groups);
}

/**
 * Makes the same policy while others are served: another thread reads and validates the files, and here no turn of the event loop takes long. Files that are
 * `changed` count as they are given. Rejects with GatewayError `config_invalid`, and with the reason of the signal.
 */
export async function configuredPolicyFromThread(
  config: Config,
  steps: Steps,
  signal: AbortSignal,
  changed: readonly PolicyText[] = [],
): Promise<PolicyEngine> {
  const grants = grantPolicy([...config.principals.values()], config.groups);
  const grounds = { ...groundsOf(config, config.policies), changed };
  const set = await steps.take(step, grounds, { whose: '', signal }).catch((cause: unknown): never => {
    signal.throwIfAborted();
    throw cause instanceof GatewayError && cause.code === 'config_invalid'
      ? cause
      : new GatewayError('config_invalid', `The thread that reads the policies failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
  if (set === null) {
    return grants;
  }
  const policy = new CedarPolicy(grants, { ...set, findings: () => set.findings }, vocabularyOf(grounds));
  await policy.prepare();
  signal.throwIfAborted();
  return policy;
}

/** The outcome of a check. */
export interface CheckedPolicies {
  readonly files: number;
  readonly policies: number;
  /** Faults for which the set would not be put into force, each as `FILE:LINE:COLUMN: MESSAGE`. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Policies that do no harm and can never do what they are written for, in the same form. */
  readonly conflicts: readonly string[];
}

/** Checks the policies of a configuration, or those of another directory or file. Throws GatewayError `config_invalid` if they cannot be read. */
export function checkPolicies(config: Config, path: string | null = config.policies): CheckedPolicies {
  const { problems, warnings, conflicts, ...counts } = check.take(groundsOf(config, path));
  return { ...counts, problems: problems.map(printPlaced), warnings: warnings.map(printPlaced), conflicts: conflicts.map(printPlaced) };
}

/** Returns what the policies of a configuration are read from, or those of another directory or file. */
export function groundsOf({ targets, principals, groups, issuers, classes }: Config, path: string | null): PolicyGrounds {
  // The other members of a target read its secrets, and no other thread may have them.
  const told = Array.from(targets.values(), ({ name, protocol, tags = {}, options, inspect = [] }) => {
    const seenPlaces = placesAlone(inspect, classes);
    return { name, protocol, tags, options, inspect, seenPlaces };
  });
  const issued = { issuers: [...issuers.keys()], groups: [...groups].flatMap(([name, group]) => (group.issuers.length === 0 ? [] : [name])) };
  return { path, targets: told, principals: [...principals.values()], issued, classes: classNames(classes) };
}

/** Returns the places of the values of these classes; null if some of them are known by what they look like. */
function placesAlone(names: readonly string[], classes: Config['classes']): readonly string[] | null {
  const found = new Set(names);
  const places: string[] = [];
  for (const name of found) {
    const known = classes.get(name);
    if (known === undefined || builtInNames.includes(name) || known.pattern !== null || known.words.length > 0) {
      return null;
    }
    places.push(...known.columns, ...known.fields);
    for (const inner of known.classes) {
      found.add(inner);
    }
  }
  return places;
}
