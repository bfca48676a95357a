import type { Config } from './config/config.ts';
import { policyFiles, readPolicySources } from './config/policies.ts';
import { cedarPolicy } from './policy/cedar-policy.ts';
import { grantPolicy } from './policy/grants.ts';
import type { PolicyEngine } from './policy/policy.ts';
import type { Vocabulary } from './policy/vocabulary.ts';
import { protocols } from './protocols/registry.ts';

/** Returns the files that the policy of a configuration is made from, the configuration itself first. */
export function filesOfPolicy({ file, policies }: Config): readonly string[] {
  return policies === null ? [file] : [file, ...policyFiles(policies)];
}

/** Makes the policy that a configuration says: its grants, and the policies of its files. Throws GatewayError `config_invalid` with all faults of the files. */
export function configuredPolicy(config: Config): PolicyEngine {
  const grants = grantPolicy([...config.principals.values()]);
  return config.policies === null ? grants : cedarPolicy(grants, readPolicySources(config.policies), vocabularyOf(config));
}

/** Returns what policies may speak of. */
function vocabularyOf({ targets, principals }: Config): Vocabulary {
  return { protocols, targets: [...targets.values()], principals: [...principals.values()] };
}
