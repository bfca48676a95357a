import type { Report } from './report.ts';
import { alertsTell, keeps, nothingPassesUnrecorded, othersWitness, peopleAreIdentified, policiesAreEnforced } from './setting-checks.ts';

/** The most days that six months have: Articles 19(1) and 26(6). */
const sixMonths = 184;

export const euAiAct: Report = {
  name: 'eu-ai-act',
  title: 'EU AI Act, Articles 12, 19 and 26',
  about:
    'Regulation (EU) 2024/1689, as amended by Regulation (EU) 2026/1744, by which this applies to high-risk systems of Annex III from 2 December 2027, and to those of Annex I from 2 August 2028. It is about records of high-risk AI systems, of their providers (12, 19) and their deployers (26).',
  requirements: [
    {
      clause: 'Article 12(1)',
      asks: 'The system allows events to be recorded automatically over its lifetime.',
      evidence: ['prompts', 'outputs', 'tools', 'requests', 'starts', 'reconciled'],
      settings: [nothingPassesUnrecorded],
      beyond: 'What the system does without going through this gateway.',
    },
    {
      clause: 'Article 12(2)(a)',
      asks: 'Events are recorded that matter for finding situations in which the system may present a risk (Article 79(1)), or a substantial modification.',
      evidence: ['alerts', 'denials', 'emergencies', 'policies', 'environments'],
      settings: [alertsTell()],
      beyond: 'Which situations are a risk of the system is for its provider to say: rules for alerts watch for them.',
    },
    {
      clause: 'Article 12(2)(b)',
      asks: 'Events are recorded that matter for monitoring after the system is on the market (Article 72).',
      evidence: ['reviews', 'alertActs', 'readings'],
      settings: [],
      beyond: 'The plan for that monitoring.',
    },
    {
      clause: 'Article 12(2)(c)',
      asks: 'Events are recorded that matter for the monitoring of operation by deployers (Article 26(5)).',
      evidence: ['approvals', 'reviews', 'halts'],
      settings: [],
    },
    {
      clause: 'Article 12(3)',
      asks: 'Of remote biometric identification (Annex III, 1(a)), the records have at least the date and time of the start and the end of each use, the reference database, the input that led to a match, and the natural persons who verified the result.',
      evidence: ['requests', 'approvals'],
      settings: [peopleAreIdentified],
      beyond: 'The reference database, what matched, and the two persons of Article 14(5), unless they are in what goes through this gateway.',
    },
    {
      clause: 'Article 19(1)',
      asks: 'Providers keep the records that are under their control for a time that suits the purpose of the system, at least six months, unless other law says otherwise.',
      evidence: ['keeping', 'erasures'],
      settings: [keeps({ content: sixMonths, facts: sixMonths }), othersWitness],
    },
    {
      clause: 'Article 26(2)',
      asks: 'Deployers assign human oversight to natural persons who have the necessary competence, training, authority and support.',
      evidence: ['approvals', 'halts', 'reviews'],
      settings: [policiesAreEnforced, peopleAreIdentified],
      beyond: 'The competence, training and authority of these persons, and how they are supported.',
    },
    {
      clause: 'Article 26(5)',
      asks: 'Deployers monitor operation by the instructions for use. If the use may present a risk, they inform the provider or distributor and the authority without undue delay, and suspend the use. Of a serious incident they immediately inform first the provider, then the importer or distributor and the authorities.',
      evidence: ['alerts', 'alertActs', 'troubles', 'halts'],
      settings: [alertsTell('recorder-trouble', 'denied-burst', 'policy-alert')],
      beyond: 'That providers, importers, distributors and authorities were told, and when.',
    },
    {
      clause: 'Article 26(6)',
      asks: 'Deployers keep the records that are under their control for a time that suits the purpose of the system, at least six months, unless other law says otherwise.',
      evidence: ['keeping', 'erasures', 'holds'],
      settings: [keeps({ content: sixMonths, facts: sixMonths })],
    },
  ],
};
