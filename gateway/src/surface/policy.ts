/** Functions that check, show, test and explain the policies of a configuration, and say what they allow to whom. They load Cedar. */
export { accessLines, askerOf, possibleAskers } from '../api/access-line.ts';
export { requireTarget } from '../api/target-summary.ts';
export { checkPolicies, configuredPolicy, type CheckedPolicies } from '../policies/configured-policy.ts';
export { testPolicy, type CaseOutcome } from '../policies/policy-cases.ts';
export { PolicyTrial } from '../policies/policy-trial.ts';
export { ChangedVerdicts } from '../policies/changed-verdicts.ts';
export { namedPolicies } from '../policy/policy-text.ts';
