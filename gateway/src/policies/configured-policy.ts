import { setImmediate as nextTurn } from 'node:timers/promises';
import { builtInNames } from '../classes/built-in-names.ts';
import type { Config } from '../config/config.ts';
import { policyFiles } from '../config/policies.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Steps } from '../domain/step.ts';
import { CedarPolicy, cedarPolicy } from '../policy/cedar-policy.ts';
import { loadCedar } from '../policy/cedar-library.ts';
import { grantPolicy } from '../policy/grants.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { readPolicies } from '../policy/policy-set.ts';
import { printProblem, type PolicyProblem } from '../policy/policy-text.ts';
import { sourcesOf, step, vocabularyOf, type PolicyGrounds } from './policy-step.ts';

/** Returns the files that the policy of a configuration is made from, the configuration itself first. */
export function filesOfPolicy({ file, policies }: Config): readonly string[] {
  return policies === null ? [file] : [file, ...policyFiles(policies)];
}

/** Makes the policy that a configuration says: its grants, and the policies of its files, or of those of `path`. Throws GatewayError `config_invalid` with all faults of the files. */
export function configuredPolicy(config: Config, path: string | null = config.policies): PolicyEngine {
  const grants = grantPolicy([...config.principals.values()], config.groups);
  const grounds = groundsOf(config, path);
  const sources = sourcesOf(grounds);
  return sources.length === 0 ? grants : cedarPolicy(grants, sources, vocabularyOf(grounds));
}

/**
 * Makes the same policy while others are served: another thread reads and validates the files, and here no turn of the event loop takes long. Rejects with
 * GatewayError `config_invalid`, and with the reason of the signal.
 */
export async function configuredPolicyFromThread(config: Config, steps: Steps, signal: AbortSignal): Promise<PolicyEngine> {
  const grants = grantPolicy([...config.principals.values()], config.groups);
  const grounds = groundsOf(config, config.policies);
  const set = await steps.take(step, grounds, { whose: '', signal }).catch((cause: unknown): never => {
    signal.throwIfAborted();
    throw cause instanceof GatewayError && cause.code === 'config_invalid'
      ? cause
      : new GatewayError('config_invalid', `The thread that reads the policies failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
  if (set === null) {
    return grants;
  }
  const cedar = loadCedar();
  await nextTurn();
  const policy = new CedarPolicy(grants, { ...set, findings: () => set.findings }, { cedar, vocabulary: vocabularyOf(grounds) });
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
  const grounds = groundsOf(config, path);
  const sources = sourcesOf(grounds);
  const builtIn = sources.filter(({ isBuiltIn }) => isBuiltIn === true);
  const { policies, problems, warnings, conflicts } = readPolicies(loadCedar(), sources, vocabularyOf(grounds));
  const print = (found: readonly PolicyProblem[]): readonly string[] => found.filter(({ source }) => source.isBuiltIn !== true).map(printProblem);
  return {
    files: sources.length - builtIn.length,
    policies: policies.filter(({ id }) => !builtIn.some(({ file }) => id.startsWith(`${file}:`))).length,
    problems: problems.map(printProblem),
    warnings: print(warnings()),
    conflicts: print(conflicts()),
  };
}

function groundsOf({ targets, principals, groups, issuers, classes }: Config, path: string | null): PolicyGrounds {
  // The other members of a target read its secrets, and no other thread may have them.
  const told = Array.from(targets.values(), ({ name, protocol, tags = {}, options, inspect = [] }) => {
    const seenPlaces = placesAlone(inspect, classes);
    return { name, protocol, tags, options, inspect, seenPlaces };
  });
  const issued = { issuers: [...issuers.keys()], groups: [...groups].flatMap(([name, group]) => (group.issuers.length === 0 ? [] : [name])) };
  const names = new Set([...builtInNames, ...classes.keys()]);
  return { path, targets: told, principals: [...principals.values()], issued, classes: [...names] };
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
