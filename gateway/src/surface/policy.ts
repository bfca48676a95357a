/** Functions that check, show, test and explain the policies of a configuration. They load Cedar. */
export { checkPolicies, configuredPolicy, type CheckedPolicies } from '../policies/configured-policy.ts';
export { testPolicy, type CaseOutcome } from '../policies/policy-cases.ts';
export { PolicyTrial, type Otherwise } from '../policies/policy-trial.ts';
export { namedPolicies } from '../policy/policy-text.ts';
