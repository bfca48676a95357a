import type { Report } from './report.ts';
import { alertsTell, keeps, nothingPassesUnrecorded, othersWitness, peopleAreIdentified, policiesAreEnforced } from './setting-checks.ts';

/** The most days that six months have: Articles 19(1) and 26(6). */
const sixMonths = 184;

export const euAiAct: Report = {
  name: 'eu-ai-act',
  title: 'EU AI Act, Articles 12, 19 and 26',
  about:
    'Regulation (EU) 2024/1689, as amended by the Digital Omnibus on AI of 2026, by which it applies to high-risk systems of Annex III from 2 December 2027. It is about records of high-risk AI systems, of their providers (12, 19) and their deployers (26).',
  requirements: [
    {
      clause: 'Article 12(1)',
      asks: 'Events are recorded automatically over the lifetime of the system.',
      evidence: ['prompts', 'outputs', 'tools', 'requests', 'starts', 'reconciled'],
      settings: [nothingPassesUnrecorded],
      beyond: 'What the system does without going through this gateway.',
    },
    {
      clause: 'Article 12(2)(a)',
      asks: 'The records let situations be found that may be a risk, or a substantial modification.',
      evidence: ['alerts', 'denials', 'emergencies', 'policies', 'environments'],
      settings: [alertsTell()],
      beyond: 'Which situations are a risk of the system is for its provider to say: rules for alerts watch for them.',
    },
    {
      clause: 'Article 12(2)(b)',
      asks: 'The records serve monitoring after the system is on the market.',
      evidence: ['reviews', 'alertActs', 'readings'],
      settings: [],
      beyond: 'The plan for that monitoring.',
    },
    {
      clause: 'Article 12(2)(c)',
      asks: 'The records serve the monitoring of operation by deployers.',
      evidence: ['approvals', 'reviews', 'halts'],
      settings: [],
    },
    {
      clause: 'Article 12(3)',
      asks: 'Of remote biometric identification (Annex III, 1(a)), the records have each use with its begin and end, the reference database, the input that matched, and who verified the result.',
      evidence: ['requests', 'approvals'],
      settings: [peopleAreIdentified],
      beyond: 'The reference database, what matched, and the second person of Article 14(5), unless they are in what goes through this gateway.',
    },
    {
      clause: 'Article 19(1)',
      asks: 'Providers keep the records that are under their control for a time that suits the purpose of the system, at least six months, unless other law says otherwise.',
      evidence: ['keeping', 'erasures'],
      settings: [keeps({ content: sixMonths, facts: sixMonths }), othersWitness],
    },
    {
      clause: 'Article 26(2)',
      asks: 'Persons with the competence, training, authority and support oversee the system.',
      evidence: ['approvals', 'halts', 'reviews'],
      settings: [policiesAreEnforced, peopleAreIdentified],
      beyond: 'The competence, training and authority of these persons, and how they are supported.',
    },
    {
      clause: 'Article 26(5)',
      asks: 'Deployers monitor operation by the instructions for use, and tell providers and authorities of risks and serious incidents.',
      evidence: ['alerts', 'alertActs', 'troubles'],
      settings: [alertsTell('recorder-trouble', 'denied-burst', 'policy-alert')],
      beyond: 'That providers and authorities were told.',
    },
    {
      clause: 'Article 26(6)',
      asks: 'Deployers keep the records that are under their control for a time that suits the purpose of the system, at least six months, unless other law says otherwise.',
      evidence: ['keeping', 'erasures', 'holds'],
      settings: [keeps({ content: sixMonths, facts: sixMonths })],
    },
  ],
};
