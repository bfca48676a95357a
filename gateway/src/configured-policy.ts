import type { Config } from './config/config.ts';
import { builtInClasses } from './classes/catalogue.ts';
import { policyFiles, readPolicySources } from './config/policies.ts';
import type { PolicySource } from './domain/policy-source.ts';
import { builtInFile, cedarPolicy } from './policy/cedar-policy.ts';
import { loadCedar } from './policy/cedar-library.ts';
import { grantPolicy } from './policy/grants.ts';
import type { PolicyEngine } from './policy/policy.ts';
import { readPolicies } from './policy/policy-set.ts';
import { printProblem, type PolicyProblem } from './policy/policy-text.ts';
import type { Vocabulary } from './policy/vocabulary.ts';
import { protocols } from './protocols/registry.ts';

/** Returns the files that the policy of a configuration is made from, the configuration itself first. */
export function filesOfPolicy({ file, policies }: Config): readonly string[] {
  return policies === null ? [file] : [file, ...policyFiles(policies)];
}

/** Makes the policy that a configuration says: its grants, and the policies of its files, or of those of `path`. Throws GatewayError `config_invalid` with all faults of the files. */
export function configuredPolicy(config: Config, path: string | null = config.policies): PolicyEngine {
  const grants = grantPolicy([...config.principals.values()]);
  const own = path === null ? [] : readPolicySources(path);
  const sources = [...builtInSources(config, own), ...own];
  return sources.length === 0 ? grants : cedarPolicy(grants, sources, vocabularyOf(config));
}

/** Returns the built-in policies of the protocols that targets speak. A file of the operator with their name takes the place of all of them. */
function builtInSources({ targets }: Config, own: readonly PolicySource[]): readonly PolicySource[] {
  if (own.some(({ file }) => file === builtInFile)) {
    return [];
  }
  const spoken = new Set(Array.from(targets.values(), ({ protocol }) => protocol));
  const text = protocols.flatMap(({ id, policies }) => (spoken.has(id) && policies !== undefined ? [policies] : [])).join('\n');
  return text === '' ? [] : [{ file: builtInFile, path: builtInFile, text, isBuiltIn: true }];
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
  const sources = path === null ? [] : readPolicySources(path);
  const builtIn = builtInSources(config, sources);
  const { policies, problems, warnings, conflicts } = readPolicies(loadCedar(), [...builtIn, ...sources], vocabularyOf(config));
  const print = (found: readonly PolicyProblem[]): readonly string[] => found.filter(({ source }) => source.isBuiltIn !== true).map(printProblem);
  return {
    files: sources.length,
    policies: policies.filter(({ id }) => !builtIn.some(({ file }) => id.startsWith(`${file}:`))).length,
    problems: problems.map(printProblem),
    warnings: print(warnings()),
    conflicts: print(conflicts()),
  };
}

/** Returns what policies may speak of. */
function vocabularyOf({ targets, principals }: Config): Vocabulary {
  return { protocols, targets: [...targets.values()], principals: [...principals.values()], classes: builtInClasses.map(({ name }) => name) };
}
