import type { Report } from './report.ts';
import {
  clockIsOfMachine,
  copyIsElsewhere,
  isAtHand,
  isNotErasedBefore,
  keeps,
  nothingPassesUnrecorded,
  othersWitness,
  readersAreLimited,
} from './setting-checks.ts';

/** The most days that the six years of 17a-4(a) have. */
const sixYears = 6 * 365 + 2;
/** The most days that the two years of 17a-4(a) in an easily accessible place have. */
const twoYears = 2 * 365 + 1;

export const sec17a4: Report = {
  name: 'sec-17a-4',
  title: 'SEC Rule 17a-4(f), electronic recordkeeping',
  about:
    '17 CFR 240.17a-4(f) as amended in 2022, for records of members of exchanges, brokers and dealers. Which records fall under it, and for how long, is in 17a-3 and 17a-4(a) to (e); not less than six years, the time of (a), the first two of them in an easily accessible place, are looked for here. Notices, undertakings and access of regulators, (f)(3), are no matter of a gateway.',
  requirements: [
    {
      clause: '17a-4(f)(2)(i)(A)',
      asks: 'A record is preserved for its retention period with a complete time-stamped audit trail: all modifications and deletions of it or a part, the date and time of what creates, modifies or deletes it, by whom, if applicable, and what else permits the original to be made again.',
      evidence: ['requests', 'changes', 'erasures', 'keeping', 'holds'],
      settings: [nothingPassesUnrecorded, othersWitness, isNotErasedBefore(sixYears)],
      beyond:
        'Records that are not of what goes through this gateway. No record is modified here; what was erased, with its reason on record, cannot be made again.',
    },
    {
      clause: '17a-4(f)(2)(i)(B)',
      asks: 'Or records are preserved exclusively in a format that cannot be rewritten or erased.',
      evidence: ['erasures'],
      settings: [keeps({ content: sixYears, facts: sixYears }), isNotErasedBefore(sixYears), isAtHand(twoYears), copyIsElsewhere],
    },
    {
      clause: '17a-4(f)(2)(ii)',
      asks: 'The completeness and accuracy of the processes for storing and retaining records are verified automatically.',
      evidence: ['starts', 'troubles', 'witnesses'],
      settings: [othersWitness],
      beyond: 'That countersign verify runs, and how often: each start checks the end of the journal, and a whole check is yours to schedule.',
    },
    {
      clause: '17a-4(f)(2)(iii)',
      asks: 'If applicable, units of storage media are serialised, and what is placed on them has its time and date for the required time.',
      evidence: ['starts'],
      settings: [clockIsOfMachine],
    },
    {
      clause: '17a-4(f)(2)(iv)',
      asks: 'Records, their audit trail, if applicable, and what is needed to find them can readily be downloaded and transferred, in a human readable format and in a reasonably usable electronic format.',
      evidence: ['readings'],
      settings: [readersAreLimited],
      beyond: 'That it was tried: countersign export evidence gives what people read, and countersign export the other.',
    },
    {
      clause: '17a-4(f)(2)(v)',
      asks: 'There is a backup electronic recordkeeping system, or other redundancy, so that the records stay accessible.',
      evidence: ['backups'],
      settings: [copyIsElsewhere],
    },
  ],
};
