import type { Config } from './config/config.ts';
import { policyFiles, readPolicySources } from './config/policies.ts';
import { cedarPolicy } from './policy/cedar-policy.ts';
import { loadCedar } from './policy/cedar-library.ts';
import { grantPolicy } from './policy/grants.ts';
import type { PolicyEngine } from './policy/policy.ts';
import { readPolicies } from './policy/policy-set.ts';
import { printProblem } from './policy/policy-text.ts';
import type { Vocabulary } from './policy/vocabulary.ts';
import { protocols } from './protocols/registry.ts';

/** Returns the files that the policy of a configuration is made from, the configuration itself first. */
export function filesOfPolicy({ file, policies }: Config): readonly string[] {
  return policies === null ? [file] : [file, ...policyFiles(policies)];
}

/** Makes the policy that a configuration says: its grants, and the policies of its files, or of those of `path`. Throws GatewayError `config_invalid` with all faults of the files. */
export function configuredPolicy(config: Config, path: string | null = config.policies): PolicyEngine {
  const grants = grantPolicy([...config.principals.values()]);
  return path === null ? grants : cedarPolicy(grants, readPolicySources(path), vocabularyOf(config));
}

/** The outcome of a check. */
export interface CheckedPolicies {
  readonly files: number;
  readonly policies: number;
  /** Faults for which the set would not be put into force, each as `FILE:LINE:COLUMN: MESSAGE`. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Checks the policies of a configuration, or those of another directory or file. Throws GatewayError `config_invalid` if they cannot be read. */
export function checkPolicies(config: Config, path: string | null = config.policies): CheckedPolicies {
  const sources = path === null ? [] : readPolicySources(path);
  const { policies, problems, warnings } = readPolicies(loadCedar(), sources, vocabularyOf(config));
  return { files: sources.length, policies: policies.length, problems: problems.map(printProblem), warnings: warnings.map(printProblem) };
}

/** Returns what policies may speak of. */
function vocabularyOf({ targets, principals }: Config): Vocabulary {
  return { protocols, targets: [...targets.values()], principals: [...principals.values()] };
}
