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
  about:
    'Audit and accountability, without AU-1, AU-13 and AU-16, of which no gateway has records. Values that an organisation assigns are yours to compare with what is in force.',
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
    {
      clause: 'AU-5(4)',
      asks: 'If logging fails, the system stops, wholly or in part, or goes on in a mode of less, unless it is logged elsewhere.',
      evidence: ['troubles'],
      settings: [nothingPassesUnrecorded],
    },
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
      asks: 'Records and the tools for them are protected from access, modification and deletion without authorisation, and people are alerted when that is detected.',
      evidence: ['readings', 'erasures', 'witnesses', 'keys'],
      settings: [readersAreLimited, othersWitness, copyIsElsewhere, alertsTell('recorder-trouble', 'not-cosigned', 'unusual-reader')],
    },
    {
      clause: 'AU-10',
      asks: 'There is evidence that nobody can refute that an individual, or a process for one, did certain things.',
      evidence: ['approvals', 'requests'],
      settings: [peopleAreIdentified, othersWitness],
      beyond: 'Who held the token or certificate. A request is not signed by who makes it: the gateway states whose credential it had.',
    },
    { clause: 'AU-11', asks: 'Records are kept for the time that the organisation says.', evidence: ['keeping', 'erasures', 'holds'], settings: [keeps({})] },
    {
      clause: 'AU-12',
      asks: 'Components can make records of the events of AU-2, and people choose which of them.',
      evidence: ['starts', 'environments', 'reconciled'],
      settings: [nothingPassesUnrecorded],
    },
    {
      clause: 'AU-12(1)',
      asks: 'Records of the components form one trail of the whole system, in the order of time.',
      evidence: ['starts', 'pauses'],
      settings: [clockIsOfMachine, recordsGoOn],
      beyond: 'Records of other components, and of other gateways: each has a log of its own.',
    },
    {
      clause: 'AU-14',
      asks: 'Certain persons can record, view or hear the content of sessions in stated circumstances, after legal counsel.',
      evidence: ['requests', 'readings', 'guardedContent'],
      settings: [readersAreLimited],
      beyond: 'The circumstances, and the counsel.',
    },
  ],
};
