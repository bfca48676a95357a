import type { Report } from './report.ts';
import {
  alertsTell,
  isNotErasedBefore,
  keeps,
  nothingPassesUnrecorded,
  othersWitness,
  peopleAreIdentified,
  readersAreLimited,
  valuesAreLookedFor,
} from './setting-checks.ts';

/** The most days that six years have: 45 CFR 164.316(b)(2)(i). */
const sixYears = 6 * 365 + 2;

export const hipaa: Report = {
  name: 'hipaa',
  title: 'HIPAA Security Rule, 45 CFR 164.312(b) and 164.316',
  about: 'Audit controls, and documentation and its retention, for systems with electronic protected health information.',
  requirements: [
    {
      clause: '45 CFR 164.312(b)',
      asks: 'Activity in systems that hold or use health information is recorded.',
      evidence: ['logins', 'failedLogins', 'requests', 'classes', 'reconciled'],
      settings: [nothingPassesUnrecorded, peopleAreIdentified, valuesAreLookedFor],
      beyond: 'Activity that does not go through this gateway.',
    },
    {
      clause: '45 CFR 164.312(b)',
      asks: 'That activity is examined.',
      evidence: ['readings', 'reviews', 'alerts', 'alertActs'],
      settings: [alertsTell(), readersAreLimited],
    },
    {
      clause: '45 CFR 164.316(b)(1)(ii)',
      asks: 'Where an action, activity or assessment is to be documented, a written record of it is kept.',
      evidence: ['administration', 'policies', 'approvals', 'credentials'],
      settings: [othersWitness],
    },
    {
      clause: '45 CFR 164.316(b)(2)(i)',
      asks: 'The documentation is kept for six years from its making, or from when it was last in effect, whichever is later.',
      evidence: ['keeping', 'erasures', 'holds'],
      settings: [keeps({ facts: sixYears }), isNotErasedBefore(sixYears)],
      beyond:
        'Which records are such documentation: the rule means policies, procedures, and actions, activities and assessments that it has documented. Whether logs of activity are among them is for you to say.',
    },
    {
      clause: '45 CFR 164.316(b)(2)(ii)',
      asks: 'The documentation is available to those who carry out the procedures that it is about.',
      evidence: ['readings'],
      settings: [readersAreLimited],
    },
    {
      clause: '45 CFR 164.316(b)(2)(iii)',
      asks: 'The documentation is reviewed from time to time, and updated.',
      evidence: ['policies', 'reviews'],
      settings: [],
      beyond: 'The review of procedures on paper, and whether it follows changes of operation and environment.',
    },
  ],
};
