import type { Report } from './report.ts';
import {
  alertsTell,
  clockIsOfMachine,
  copyIsElsewhere,
  keeps,
  nothingPassesUnrecorded,
  othersWitness,
  peopleAreIdentified,
  readersAreLimited,
  recordsGoOn,
} from './setting-checks.ts';

export const iso27001: Report = {
  name: 'iso-27001',
  title: 'ISO/IEC 27001:2022, controls A.8.15 and A.8.17',
  about:
    'Annex A: logging, and the synchronisation of clocks. For how long is said by your own policy; the times in force are shown. The words are ours: compare them with the text that you have bought.',
  requirements: [
    {
      clause: 'A.8.15, produced',
      asks: 'Logs of activities, exceptions, faults and other relevant events are produced.',
      evidence: ['requests', 'logins', 'failedLogins', 'denials', 'administration'],
      settings: [nothingPassesUnrecorded, peopleAreIdentified],
    },
    { clause: 'A.8.15, stored', asks: 'Logs are stored.', evidence: ['keeping', 'erasures', 'backups'], settings: [keeps({}), copyIsElsewhere] },
    { clause: 'A.8.15, protected', asks: 'Logs are protected.', evidence: ['readings', 'witnesses'], settings: [readersAreLimited, othersWitness] },
    { clause: 'A.8.15, analysed', asks: 'Logs are analysed.', evidence: ['alerts', 'alertActs', 'reviews'], settings: [alertsTell(), recordsGoOn] },
    {
      clause: 'A.8.17',
      asks: 'The clocks of the information processing systems that the organisation uses are synchronised to approved sources of time.',
      evidence: ['pauses'],
      settings: [clockIsOfMachine],
    },
  ],
};
