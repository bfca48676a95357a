import type { AwaitedStep } from '../domain/step.ts';
import { explainCase, testCases, type CaseDirectory, type CaseOutcome, type DecidedCase } from './policy-cases.ts';
import { policyOf, type PolicyGrounds } from './policy-step.ts';

interface CasesInput {
  readonly grounds: PolicyGrounds;
  readonly directory: CaseDirectory;
  /** A text of cases in YAML, or one case that expects nothing. */
  readonly cases: { readonly yaml: string } | { readonly one: unknown };
}

interface Decided {
  readonly outcomes: readonly CaseOutcome[];
  readonly one: DecidedCase | null;
  /** The texts of the policies, by their ids. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Decides cases by policies that are not in force. Rejects with GatewayError `config_invalid` or `malformed`. */
export const step: AwaitedStep<CasesInput, Decided> = {
  module: import.meta.url,
  take: async ({ grounds, directory, cases }) => {
    const policy = policyOf(grounds, directory.groups);
    const texts = policy.texts ?? new Map<string, string>();
    return 'yaml' in cases
      ? { outcomes: await testCases({ file: 'cases', text: cases.yaml }, directory, policy), one: null, texts }
      : { outcomes: [], one: await explainCase(cases.one, directory, policy), texts };
  },
};
