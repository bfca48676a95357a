import type { Step } from '../domain/step.ts';
import { loadCedar } from '../policy/cedar-library.ts';
import type { PolicyCheck } from '../policy/candidate.ts';
import { readPolicies } from '../policy/policy-set.ts';
import { placed, type PlacedProblem, type PolicyProblem } from '../policy/policy-text.ts';
import { sourcesOf, vocabularyOf, type PolicyGrounds } from './policy-step.ts';

/** Checks policies without putting them into force. Throws GatewayError `config_invalid` if their files cannot be read. */
export const step: Step<PolicyGrounds, PolicyCheck> = {
  module: import.meta.url,
  take: (grounds) => {
    const sources = sourcesOf(grounds);
    const builtIn = sources.filter(({ isBuiltIn }) => isBuiltIn === true);
    const { policies, problems, warnings, conflicts } = readPolicies(loadCedar(), sources, vocabularyOf(grounds));
    const own = (found: readonly PolicyProblem[]): readonly PlacedProblem[] => found.filter(({ source }) => source.isBuiltIn !== true).map(placed);
    return {
      files: sources.length - builtIn.length,
      policies: policies.filter(({ id }) => !builtIn.some(({ file }) => id.startsWith(`${file}:`))).length,
      problems: problems.map(placed),
      warnings: own(warnings()),
      conflicts: own(conflicts()),
    };
  },
};
