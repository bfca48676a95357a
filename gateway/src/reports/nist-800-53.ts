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
      asks: 'Types of events that the system can log are identified, and those that it logs are specified, with the reason why they suffice for investigations afterwards; that is reviewed, and coordinated with others who need it.',
      evidence: ['requests', 'logins', 'administration', 'policies'],
      settings: [nothingPassesUnrecorded],
      beyond: 'The reason, its review, and the coordination.',
    },
    {
      clause: 'AU-3',
      asks: 'Records establish the type of event, when and where it occurred, its source, its outcome, and the identity of the individuals, subjects or objects associated with it.',
      evidence: ['requests'],
      settings: [peopleAreIdentified],
    },
    {
      clause: 'AU-4',
      asks: 'Capacity for the logs is allocated, for the retention that the organisation requires.',
      evidence: ['troubles'],
      settings: [copyIsElsewhere],
      beyond: 'The size of the disk: /metrics and /readyz say how much is left.',
    },
    {
      clause: 'AU-5',
      asks: 'When logging fails, the persons that the organisation names are alerted, within the time that it says, and the further actions are taken that it says.',
      evidence: ['troubles', 'pauses'],
      settings: [alertsTell('recorder-trouble', 'missed-heartbeat', 'sink-trouble')],
    },
    {
      clause: 'AU-5(4)',
      asks: 'In the failures of logging that the organisation names, the system shuts down, wholly or partly, or goes on in a degraded mode, unless there is another way of logging.',
      evidence: ['troubles'],
      settings: [nothingPassesUnrecorded],
    },
    {
      clause: 'AU-6',
      asks: 'As often as the organisation says, records are reviewed and analysed for inappropriate or unusual activity and its impact, and findings reported; if the risk changes, so does the level of this.',
      evidence: ['reviews', 'alerts', 'alertActs'],
      settings: [alertsTell(), recordsGoOn],
    },
    {
      clause: 'AU-7',
      asks: 'Records can be reduced and reported on, on demand and for investigations afterwards, without a change of their content or of their order in time.',
      evidence: ['readings'],
      settings: [readersAreLimited],
    },
    {
      clause: 'AU-8',
      asks: 'Records have times of internal system clocks, as fine as the organisation says, in UTC or with a known offset from it.',
      evidence: ['pauses'],
      settings: [clockIsOfMachine],
    },
    {
      clause: 'AU-9',
      asks: 'Records and the tools for them are protected from access, modification and deletion without authorisation, and people are alerted when that is detected.',
      evidence: ['readings', 'erasures', 'witnesses', 'keys'],
      settings: [readersAreLimited, othersWitness, copyIsElsewhere, alertsTell('recorder-trouble', 'not-cosigned', 'unusual-reader')],
    },
    {
      clause: 'AU-10',
      asks: 'There is irrefutable evidence that an individual, or a process acting for one, has performed the actions that the organisation names.',
      evidence: ['approvals', 'requests'],
      settings: [peopleAreIdentified, othersWitness],
      beyond: 'Who held the token or certificate. A request is not signed by who makes it: the gateway states whose credential it had.',
    },
    {
      clause: 'AU-11',
      asks: 'Records are kept for the time that the organisation says, for investigations of incidents and by what regulations and the organisation require.',
      evidence: ['keeping', 'erasures', 'holds'],
      settings: [keeps({})],
    },
    {
      clause: 'AU-12',
      asks: 'Components can make records of the events of AU-2, certain persons select which of them are logged, and the records that are made have the content of AU-3.',
      evidence: ['starts', 'environments', 'requests', 'reconciled'],
      settings: [nothingPassesUnrecorded],
    },
    {
      clause: 'AU-12(1)',
      asks: 'Records of the components that the organisation names form one trail of the whole system, correlated in time within a tolerance that it says.',
      evidence: ['starts', 'pauses'],
      settings: [clockIsOfMachine, recordsGoOn],
      beyond: 'Records of other components, and of other gateways: each has a log of its own.',
    },
    {
      clause: 'AU-14',
      asks: 'Users or roles that the organisation names can record, view, hear or log the content of a user session in the circumstances that it says; this is developed and used in consultation with legal counsel.',
      evidence: ['requests', 'readings', 'guardedContent'],
      settings: [readersAreLimited],
      beyond: 'The circumstances, and the counsel.',
    },
  ],
};
