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
  title: 'HIPAA Security Rule, 45 CFR 164.312(b) and 164.316(b)',
  about:
    'Audit controls, and documentation and its retention, by covered entities and business associates, for systems with electronic protected health information. Policies and procedures, and their written form, 164.316(a) and (b)(1)(i), are in no record of a gateway.',
  requirements: [
    {
      clause: '45 CFR 164.312(b)',
      asks: 'Activity in information systems that contain or use electronic protected health information is recorded.',
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
      asks: 'Where the rule requires that an action, activity or assessment is documented, a written record of it is kept, which may be electronic.',
      evidence: ['administration', 'policies', 'approvals', 'credentials'],
      settings: [othersWitness],
    },
    {
      clause: '45 CFR 164.316(b)(2)(i)',
      asks: 'The documentation is kept for 6 years from its creation, or from when it was last in effect, whichever is later.',
      evidence: ['keeping', 'erasures', 'holds'],
      settings: [keeps({ facts: sixYears }), isNotErasedBefore(sixYears)],
      beyond:
        'Which records are such documentation: the rule means policies, procedures, and actions, activities and assessments that it has documented. Whether logs of activity are among them is for you to say.',
    },
    {
      clause: '45 CFR 164.316(b)(2)(ii)',
      asks: 'The documentation is available to those who are responsible for the procedures that it is about.',
      evidence: ['readings'],
      settings: [readersAreLimited],
    },
    {
      clause: '45 CFR 164.316(b)(2)(iii)',
      asks: 'The documentation is reviewed periodically, and updated as changes of environment or operation need it.',
      evidence: ['policies', 'reviews'],
      settings: [],
      beyond: 'The review of procedures on paper, and which changes of environment and operation there were.',
    },
  ],
};
