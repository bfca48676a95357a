import type { Report } from './report.ts';
import {
  alertsTell,
  clockIsOfMachine,
  copyIsElsewhere,
  isAtHand,
  keeps,
  nothingPassesUnrecorded,
  othersWitness,
  peopleAreIdentified,
  readersAreLimited,
  recordsGoOn,
  valuesAreLookedFor,
} from './setting-checks.ts';

/** The most days that twelve months have. */
const year = 366;
/** The most days that three months have. */
const threeMonths = 92;

export const pciDss: Report = {
  name: 'pci-dss',
  title: 'PCI DSS 4.0.1, requirement 10',
  about:
    'Logging and monitoring of all access to system components and cardholder data, as far as it goes through this gateway. Processes (10.1), time servers (10.6.2) and 10.7.1, which is for service providers only, are not here. The words are ours: compare them with the standard.',
  requirements: [
    {
      clause: '10.2.1',
      asks: 'Audit logs are enabled and active for all system components and cardholder data.',
      evidence: ['starts', 'troubles', 'reconciled'],
      settings: [nothingPassesUnrecorded],
    },
    {
      clause: '10.2.1.1',
      asks: 'All individual user access to cardholder data is logged.',
      evidence: ['cards', 'requests'],
      settings: [valuesAreLookedFor, peopleAreIdentified],
      beyond: 'Which targets hold cardholder data.',
    },
    {
      clause: '10.2.1.2',
      asks: 'All actions of anyone with administrative access are logged, interactive use of application and system accounts among them.',
      evidence: ['administration', 'holds', 'erasures', 'definitions'],
      settings: [],
      beyond: 'What somebody does on the machine itself.',
    },
    {
      clause: '10.2.1.3',
      asks: 'All access to audit logs is logged.',
      evidence: ['readings'],
      settings: [readersAreLimited],
      beyond: 'What somebody reads who has the files and the root key.',
    },
    { clause: '10.2.1.4', asks: 'All invalid logical access attempts are logged.', evidence: ['failedLogins', 'denials'], settings: [] },
    {
      clause: '10.2.1.5',
      asks: 'All changes to identification and authentication credentials are logged, among them new accounts, elevation of privileges, and all changes, additions and deletions of accounts with administrative access.',
      evidence: ['credentials', 'leavers', 'administration', 'definitions'],
      settings: [peopleAreIdentified],
    },
    {
      clause: '10.2.1.6',
      asks: 'The initialisation of new audit logs, and all starting, stopping and pausing of existing ones, is logged.',
      evidence: ['starts', 'pauses'],
      settings: [],
    },
    {
      clause: '10.2.1.7',
      asks: 'All creation and deletion of system-level objects is logged.',
      evidence: ['definitions'],
      settings: [],
      beyond: 'Objects that are created or deleted without this gateway.',
    },
    {
      clause: '10.2.2',
      asks: 'Each entry has user, type of event, date and time, success or failure, origin, and which data, component, resource or service was affected.',
      evidence: ['requests'],
      settings: [peopleAreIdentified],
    },
    {
      clause: '10.3.1',
      asks: 'Read access to audit logs is limited to those who need it for their job.',
      evidence: ['readings', 'guardedContent'],
      settings: [readersAreLimited],
    },
    { clause: '10.3.2', asks: 'Audit logs are protected from modification by individuals.', evidence: [], settings: [othersWitness] },
    {
      clause: '10.3.3',
      asks: 'Audit logs, also those for technologies that face the outside, are promptly backed up to a secure, central, internal log server or other media that are difficult to modify.',
      evidence: ['backups'],
      settings: [copyIsElsewhere],
    },
    {
      clause: '10.3.4',
      asks: 'File integrity monitoring or change detection sees to it that existing log data cannot be changed without alerts.',
      evidence: ['troubles', 'witnesses'],
      settings: [othersWitness, alertsTell('recorder-trouble', 'not-cosigned')],
    },
    {
      clause: '10.4.1',
      asks: 'These are reviewed at least once daily: all security events, and the logs of components that store, process or transmit cardholder data or sensitive authentication data, of critical components, and of those that perform security functions.',
      evidence: ['reviews', 'alertActs', 'readings'],
      settings: [],
      beyond: 'That each day had its review, and of which logs: a query with since and until shows the records of a day.',
    },
    { clause: '10.4.1.1', asks: 'Automated mechanisms carry out the reviews.', evidence: ['alerts'], settings: [alertsTell(), recordsGoOn] },
    {
      clause: '10.4.2',
      asks: 'Logs of all other system components are reviewed periodically, as often as a targeted risk analysis says (10.4.2.1).',
      evidence: ['reviews', 'readings'],
      settings: [],
      beyond: 'The risk analysis, and the logs of those components.',
    },
    { clause: '10.4.3', asks: 'Exceptions and anomalies that a review has found are addressed.', evidence: ['alertActs', 'halts'], settings: [] },
    {
      clause: '10.5.1',
      asks: 'Audit logs are kept for at least 12 months, and at least the most recent three months are immediately available for analysis.',
      evidence: ['keeping', 'erasures'],
      settings: [keeps({ content: year, facts: year }), isAtHand(threeMonths)],
    },
    { clause: '10.6.1', asks: 'Clocks are synchronised by technology that is made for it.', evidence: ['pauses'], settings: [clockIsOfMachine] },
    {
      clause: '10.6.3',
      asks: 'Only those with a business need reach the data of time, and changes of its settings on critical systems are logged, monitored and reviewed.',
      evidence: ['pauses'],
      settings: [],
      beyond: 'Who may set the clock of the machine: the gateway sees that it jumped, and not by whose hand.',
    },
    {
      clause: '10.7.2',
      asks: 'Failures of critical security controls, of logging and of the review of logs among them, are detected, alerted and addressed promptly.',
      evidence: ['troubles', 'pauses'],
      settings: [alertsTell('recorder-trouble', 'missed-heartbeat', 'sink-trouble')],
    },
    {
      clause: '10.7.3',
      asks: 'Failures of critical security controls are responded to promptly: functions are restored, duration, cause and remediation documented, security issues of that time addressed, a recurrence prevented, and monitoring resumed.',
      evidence: ['alertActs', 'troubles'],
      settings: [],
      beyond: 'The cause, and what is done so that it does not happen again.',
    },
  ],
};
