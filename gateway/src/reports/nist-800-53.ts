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

export const nist80053: Report = {
  name: 'nist-800-53',
  title: 'NIST SP 800-53 revision 5, family AU',
  about: 'Audit and accountability. Values that an organisation assigns are yours to compare with what is in force.',
  requirements: [
    {
      clause: 'AU-2',
      asks: 'Events that are to be logged are identified, and logged.',
      evidence: ['requests', 'logins', 'administration', 'policies'],
      settings: [nothingPassesUnrecorded],
    },
    {
      clause: 'AU-3',
      asks: 'Records say what happened, when, where, from where, with which outcome, and who.',
      evidence: ['requests'],
      settings: [peopleAreIdentified],
    },
    {
      clause: 'AU-4',
      asks: 'There is space for the records.',
      evidence: ['troubles'],
      settings: [copyIsElsewhere],
      beyond: 'The size of the disk: /metrics and /readyz say how much is left.',
    },
    {
      clause: 'AU-5',
      asks: 'People are alerted when logging fails, and action is taken.',
      evidence: ['troubles', 'pauses'],
      settings: [alertsTell('recorder-trouble', 'missed-heartbeat', 'sink-trouble')],
    },
    { clause: 'AU-5(4)', asks: 'The system stops if logging fails.', evidence: ['troubles'], settings: [nothingPassesUnrecorded] },
    {
      clause: 'AU-6',
      asks: 'Records are reviewed and analysed, and findings reported.',
      evidence: ['reviews', 'alerts', 'alertActs'],
      settings: [alertsTell(), recordsGoOn],
    },
    {
      clause: 'AU-7',
      asks: 'Records can be reduced and reported on, without a change of them or of their order.',
      evidence: ['readings'],
      settings: [readersAreLimited],
    },
    { clause: 'AU-8', asks: 'Records have times of a system clock.', evidence: ['pauses'], settings: [clockIsOfMachine] },
    {
      clause: 'AU-9',
      asks: 'Records and the tools for them are protected from access, modification and deletion without authorisation.',
      evidence: ['readings', 'erasures', 'witnesses'],
      settings: [readersAreLimited, othersWitness, copyIsElsewhere],
    },
    {
      clause: 'AU-10',
      asks: 'There is evidence that nobody can deny an act of theirs.',
      evidence: ['approvals', 'requests'],
      settings: [peopleAreIdentified, othersWitness],
    },
    { clause: 'AU-11', asks: 'Records are kept for the time that the organisation says.', evidence: ['keeping', 'erasures', 'holds'], settings: [keeps({})] },
    {
      clause: 'AU-12',
      asks: 'Components can make records of these events, of which some are chosen, in the order of time across the system.',
      evidence: ['starts', 'environments'],
      settings: [nothingPassesUnrecorded],
    },
  ],
};
