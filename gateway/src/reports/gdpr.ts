import type { Report } from './report.ts';
import {
  copyIsElsewhere,
  keeps,
  othersWitness,
  peopleAreIdentified,
  policiesAreEnforced,
  readersAreLimited,
  rootKeyIsElsewhere,
  transportIsEncrypted,
  valuesAreLookedFor,
} from './setting-checks.ts';

export const gdpr: Report = {
  name: 'gdpr',
  title: 'GDPR, Articles 30 and 32',
  about: 'Regulation (EU) 2016/679: records of processing activities, and the security of processing. What the gateway records may be personal data itself.',
  requirements: [
    {
      clause: 'Article 30(1)(c)',
      asks: 'The record of processing describes the categories of data subjects and of personal data.',
      evidence: ['classes'],
      settings: [valuesAreLookedFor],
      beyond: 'The record of processing activities itself, with purposes and categories of persons.',
    },
    {
      clause: 'Article 30(1)(d)',
      asks: 'It names the categories of recipients, those in third countries among them.',
      evidence: ['requests', 'prompts'],
      settings: [],
      beyond: 'Recipients that are not reached through this gateway.',
    },
    {
      clause: 'Article 30(1)(f)',
      asks: 'It names, where possible, the time limits for erasure of the categories of data.',
      evidence: ['keeping', 'erasures', 'holds'],
      settings: [keeps({})],
      beyond: 'The limits for data at the targets: those here are of what the gateway records.',
    },
    {
      clause: 'Article 30(1)(g)',
      asks: 'It describes, where possible, the technical and organisational measures in general.',
      evidence: ['policies'],
      settings: [policiesAreEnforced],
    },
    {
      clause: 'Article 32(1)(a)',
      asks: 'As the risk demands: pseudonymisation and encryption of personal data.',
      evidence: ['masked', 'keys'],
      settings: [rootKeyIsElsewhere, transportIsEncrypted],
    },
    {
      clause: 'Article 32(1)(b)',
      asks: 'Lasting confidentiality, integrity, availability and resilience.',
      evidence: ['readings', 'denials', 'troubles'],
      settings: [readersAreLimited, othersWitness],
    },
    {
      clause: 'Article 32(1)(c)',
      asks: 'Availability and access can be restored in time after an incident.',
      evidence: ['backups'],
      settings: [copyIsElsewhere],
    },
    {
      clause: 'Article 32(1)(d)',
      asks: 'The measures are tested and evaluated regularly.',
      evidence: ['reviews'],
      settings: [],
      beyond: 'Tests of policies (countersign policy test) and drills of restore leave no record here.',
    },
    {
      clause: 'Article 32(4)',
      asks: 'Natural persons under the authority of the controller or processor process personal data on instructions of the controller alone, unless law demands it.',
      evidence: ['requests', 'approvals', 'denials'],
      settings: [peopleAreIdentified, policiesAreEnforced],
    },
  ],
};
