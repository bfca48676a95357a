import type { Report } from './report.ts';
import { nothingPassesUnrecorded, othersWitness, peopleAreIdentified, policiesAreEnforced } from './setting-checks.ts';

export const aarm: Report = {
  name: 'aarm',
  title: 'AARM Core, R1 to R6',
  about: 'Autonomous Action Runtime Management 1.0 of February 2026 (aarm.dev, arXiv:2602.09433). What this gateway lacks of it is in docs/aarm.md.',
  requirements: [
    {
      clause: 'R1',
      asks: 'Each action that an agent initiates is intercepted before it is executed, and none bypasses the control plane.',
      evidence: ['requests', 'denials', 'reconciled'],
      settings: [nothingPassesUnrecorded],
      beyond: 'An agent that has a credential of its own for a target goes past any gateway.',
    },
    {
      clause: 'R2',
      asks: 'Context is gathered, and policy has it at each decision: the stated intent of the agent, prior actions in the session, and the conversation or task.',
      evidence: ['prompts', 'tools', 'requests'],
      settings: [],
      beyond: 'The stated intent reaches no policy: who approves reads it, where it went through this gateway.',
    },
    {
      clause: 'R3',
      asks: 'Each action is evaluated by a policy that considers the action and its alignment with the stated intent of the agent.',
      evidence: ['policies', 'requests'],
      settings: [policiesAreEnforced],
      beyond: 'No policy compares an action with the intent that a person stated.',
    },
    {
      clause: 'R4',
      asks: 'For each action the policy can give exactly one of five decisions: ALLOW, DENY, MODIFY, STEP_UP or DEFER.',
      evidence: ['requests', 'denials', 'masked', 'approvals'],
      settings: [],
      beyond: 'MODIFY changes values of data classes alone.',
    },
    {
      clause: 'R5',
      asks: 'Each evaluated action has a receipt that shows tampering, with at least the action, the decision, the time and the context of the policy.',
      evidence: ['requests'],
      settings: [othersWitness],
    },
    {
      clause: 'R6',
      asks: 'Each receipt is bound by cryptography to the identity of one agent, which can be verified.',
      evidence: ['requests', 'logins', 'credentials'],
      settings: [peopleAreIdentified],
      beyond: 'No agent signs its actions: in the same log, the record of the connection names the principal whose credential came with the request.',
    },
  ],
};
