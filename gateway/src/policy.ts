/** Functions that check, show, test and explain the policies of a configuration. They load Cedar. */
export { checkPolicies, configuredPolicy, type CheckedPolicies } from './configured-policy.ts';
export { testPolicy, type CaseOutcome } from './policy-cases.ts';
export { PolicyTrial, type Otherwise } from './policy-trial.ts';
export { namedPolicies } from './policy/policy-text.ts';
