import type { Report } from './report.ts';
import { copyIsElsewhere, isNotErasedBefore, keeps, nothingPassesUnrecorded, othersWitness, readersAreLimited } from './setting-checks.ts';

/** Six years, the longest time of 17a-4(a). */
const sixYears = 6 * 365;

export const sec17a4: Report = {
  name: 'sec-17a-4',
  title: 'SEC Rule 17a-4(f), electronic recordkeeping',
  about:
    '17 CFR 240.17a-4(f) as amended in 2022, for records of broker-dealers. Which records fall under it, and for how long, is in 17a-3 and 17a-4(a) to (e).',
  requirements: [
    {
      clause: '17a-4(f)(2)(i)(A)',
      asks: 'A record is kept with a complete time-stamped audit trail: all modifications and deletions, when, and by whom.',
      evidence: ['requests', 'changes', 'erasures', 'keeping', 'holds'],
      settings: [nothingPassesUnrecorded, othersWitness],
    },
    {
      clause: '17a-4(f)(2)(i)(B)',
      asks: 'Or records are kept in a form that nobody can rewrite or erase, for the required time.',
      evidence: ['erasures'],
      settings: [keeps({ content: sixYears, facts: sixYears }), isNotErasedBefore(sixYears), copyIsElsewhere],
    },
    {
      clause: '17a-4(f)(2)(ii)',
      asks: 'The completeness and accuracy of what is stored is verified automatically.',
      evidence: ['starts', 'troubles', 'witnesses'],
      settings: [othersWitness],
      beyond: 'That countersign verify runs, and how often: each start checks the end of the journal, and a whole check is yours to schedule.',
    },
    {
      clause: '17a-4(f)(2)(iv)',
      asks: 'Records can be downloaded and handed over in a form that people read, and in a usable electronic form.',
      evidence: ['readings'],
      settings: [readersAreLimited],
      beyond: 'countersign export evidence and export give both.',
    },
    {
      clause: '17a-4(f)(2)(v)',
      asks: 'There is a backup, or redundancy, from which records can be served.',
      evidence: ['backups'],
      settings: [copyIsElsewhere],
    },
  ],
};
