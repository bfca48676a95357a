import { readPolicySources } from '../config/policies.ts';
import { policyFilesMax, type PolicySource, type PolicyText } from '../domain/policy-source.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Step } from '../domain/step.ts';
import { cedarPolicy, readPolicySet, type PolicySet } from '../policy/cedar-policy.ts';
import { loadCedar } from '../policy/cedar-library.ts';
import { grantPolicy, type GroupGrants } from '../policy/grants.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import type { Vocabulary } from '../policy/vocabulary.ts';
import { protocols } from '../protocols/registry.ts';

/** The name of the file that the built-in policies count as. */
const builtInFile = 'built-in.cedar';

/** All that the policies of a configuration are read from: plain data, so that another thread can have it. */
export interface PolicyGrounds extends Pick<Vocabulary, 'targets' | 'principals' | 'issued' | 'classes'> {
  /** The directory of the files, or the one file. Null: there are only built-in policies. */
  readonly path: string | null;
  /** Files that are not, or not yet, as they are in the directory. They count in place of those of their names. Absent: none. */
  readonly changed?: readonly PolicyText[];
}

interface ReadInThread extends Omit<PolicySet, 'findings'> {
  readonly findings: readonly string[];
}

/** Reads and validates the policies of a configuration, and finds what `policy check` would say of them. Returns null if there are none. */
export const step: Step<PolicyGrounds, ReadInThread | null> = {
  module: import.meta.url,
  take: (grounds) => {
    const sources = sourcesOf(grounds);
    if (sources.length === 0) {
      return null;
    }
    const set = readPolicySet(loadCedar(), sources, vocabularyOf(grounds));
    return { ...set, findings: set.findings() };
  },
};

/** Reads the files of policies, and adds the built-in ones. Throws GatewayError `config_invalid`. */
export function sourcesOf({ path, targets, changed = [] }: PolicyGrounds): readonly PolicySource[] {
  const kept = (path === null ? [] : readPolicySources(path)).filter(({ file }) => !changed.some((each) => each.file === file));
  const own = [...kept, ...changed.map(({ file, text }) => ({ file, path: file, text }))].toSorted((a, b) => (a.file < b.file ? -1 : 1));
  if (own.length > policyFilesMax) {
    throw new GatewayError('config_invalid', `There would be ${own.length} files of policies, at most ${policyFilesMax} are read.`);
  }
  return [...builtInSources(targets, own), ...own];
}

/** Makes the policy of grants, and of the files if there are any. Throws GatewayError `config_invalid`. */
export function policyOf(grounds: PolicyGrounds, groups: GroupGrants): PolicyEngine {
  const grants = grantPolicy(grounds.principals, groups);
  const sources = sourcesOf(grounds);
  return sources.length === 0 ? grants : cedarPolicy(grants, sources, vocabularyOf(grounds));
}

/** Returns what policies may speak of. */
export function vocabularyOf({ path: _path, ...named }: PolicyGrounds): Vocabulary {
  return { protocols, ...named };
}

/** Returns the built-in policies of the protocols that targets speak. A file of the operator with their name takes the place of all of them. */
function builtInSources(targets: PolicyGrounds['targets'], own: readonly PolicySource[]): readonly PolicySource[] {
  if (own.some(({ file }) => file === builtInFile)) {
    return [];
  }
  const spoken = new Set(targets.map(({ protocol }) => protocol));
  const text = protocols.flatMap(({ id, policies }) => (spoken.has(id) && policies !== undefined ? [policies] : [])).join('\n');
  return text === '' ? [] : [{ file: builtInFile, path: builtInFile, text, isBuiltIn: true }];
}
