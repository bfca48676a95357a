import type { Report } from './report.ts';
import {
  alertsTell,
  copyIsElsewhere,
  othersWitness,
  peopleAreIdentified,
  policiesAreEnforced,
  readersAreLimited,
  recordsGoOn,
  rootKeyIsElsewhere,
  transportIsEncrypted,
} from './setting-checks.ts';

export const soc2: Report = {
  name: 'soc-2',
  title: 'SOC 2, common criteria CC6 and CC7',
  about:
    'AICPA Trust Services Criteria of 2017 with the points of focus of 2022: logical access, and the operation of systems. CC6.4 and CC6.5 are about physical places and assets, of which a gateway records nothing. The words are ours: compare them with the text of the AICPA.',
  requirements: [
    {
      clause: 'CC6.1',
      asks: 'Software, infrastructure and architectures for logical access protect information assets from security events.',
      evidence: ['logins', 'failedLogins', 'denials', 'policies', 'keys'],
      settings: [policiesAreEnforced, peopleAreIdentified, rootKeyIsElsewhere],
    },
    {
      clause: 'CC6.2',
      asks: 'Internal and external users are registered and authorised before they get credentials and access; the credentials are removed when access is not authorised any more.',
      evidence: ['credentials', 'leavers'],
      settings: [peopleAreIdentified],
    },
    {
      clause: 'CC6.3',
      asks: 'Access is given, changed and removed by roles, responsibilities, or the design of the system, with regard to least privilege and segregation of duties.',
      evidence: ['policies', 'approvals', 'administration'],
      settings: [readersAreLimited, policiesAreEnforced],
    },
    {
      clause: 'CC6.6',
      asks: 'Measures of logical access protect against threats from sources outside the boundaries of the system.',
      evidence: ['failedLogins', 'denials'],
      settings: [transportIsEncrypted, alertsTell('failed-sign-ins', 'suspended-tries')],
    },
    {
      clause: 'CC6.7',
      asks: 'The transmission, movement and removal of information is restricted to authorised internal and external users and processes, and information is protected during it.',
      evidence: ['classes', 'masked', 'readings'],
      settings: [transportIsEncrypted],
    },
    {
      clause: 'CC6.8',
      asks: 'The introduction of unauthorised or malicious software is prevented, or detected and acted upon.',
      evidence: ['toolChanges', 'environments', 'alertActs'],
      settings: [alertsTell('tool-changed')],
      beyond: 'Software on the machines of users and targets.',
    },
    {
      clause: 'CC7.1',
      asks: 'Changes of configurations that bring new vulnerabilities are detected, and so is what newly discovered vulnerabilities affect.',
      evidence: ['administration', 'policies', 'environments'],
      settings: [],
      beyond: 'Vulnerabilities, and scans for them.',
    },
    {
      clause: 'CC7.2',
      asks: 'Anomalies that point to malicious acts, natural disasters or errors are watched for, and analysed for whether they are security events.',
      evidence: ['alerts', 'troubles', 'reconciled'],
      settings: [alertsTell(), recordsGoOn],
    },
    {
      clause: 'CC7.3',
      asks: 'Security events are evaluated for whether they made the organisation miss its objectives, or could, and that is prevented or addressed.',
      evidence: ['alertActs', 'reviews'],
      settings: [],
    },
    {
      clause: 'CC7.4',
      asks: 'Security incidents are responded to by a defined programme, to understand, contain, remediate and communicate them.',
      evidence: ['halts', 'alertActs', 'emergencies'],
      settings: [],
      beyond: 'The programme, and the response outside of this gateway.',
    },
    {
      clause: 'CC7.5',
      asks: 'Activities to recover from security incidents are identified, developed and carried out.',
      evidence: ['backups'],
      settings: [copyIsElsewhere, othersWitness],
      beyond: 'The drill: countersign restore, and verify of what it gave.',
    },
  ],
};
