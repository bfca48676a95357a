import type { Report } from './report.ts';
import { nothingPassesUnrecorded, othersWitness, peopleAreIdentified, policiesAreEnforced } from './setting-checks.ts';

export const aarm: Report = {
  name: 'aarm',
  title: 'AARM Core, R1 to R6',
  about: 'Autonomous Action Runtime Management 1.0 (aarm.dev). What this gateway lacks of it is in docs/aarm.md.',
  requirements: [
    {
      clause: 'R1',
      asks: 'Each action is intercepted before it is executed.',
      evidence: ['requests', 'denials', 'reconciled'],
      settings: [nothingPassesUnrecorded],
      beyond: 'An agent that has a credential of its own for a target goes past any gateway.',
    },
    { clause: 'R2', asks: 'Context is gathered: prior actions, what was accessed, the task.', evidence: ['prompts', 'tools', 'classes'], settings: [] },
    {
      clause: 'R3',
      asks: 'Each action is evaluated by policy, and by its alignment with the stated intent.',
      evidence: ['policies', 'requests'],
      settings: [policiesAreEnforced],
      beyond: 'No policy compares an action with the intent that a person stated.',
    },
    {
      clause: 'R4',
      asks: 'The decisions are ALLOW, DENY, MODIFY, STEP_UP and DEFER.',
      evidence: ['requests', 'denials', 'masked', 'approvals'],
      settings: [],
      beyond: 'MODIFY changes values of data classes alone.',
    },
    { clause: 'R5', asks: 'Each evaluated action has a receipt that shows tampering.', evidence: ['requests'], settings: [othersWitness] },
    {
      clause: 'R6',
      asks: 'Human, service, agent and session are bound to each action.',
      evidence: ['logins', 'credentials', 'approvals'],
      settings: [peopleAreIdentified],
    },
  ],
};
