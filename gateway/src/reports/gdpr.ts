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
      asks: 'The record of processing names the categories of personal data.',
      evidence: ['classes'],
      settings: [valuesAreLookedFor],
      beyond: 'The record of processing activities itself, with purposes and categories of persons.',
    },
    {
      clause: 'Article 30(1)(d)',
      asks: 'It names the categories of recipients.',
      evidence: ['requests', 'prompts'],
      settings: [],
      beyond: 'Recipients that are not reached through this gateway.',
    },
    { clause: 'Article 30(1)(f)', asks: 'It names the time limits for erasure.', evidence: ['keeping', 'erasures', 'holds'], settings: [keeps({})] },
    { clause: 'Article 30(1)(g)', asks: 'It describes the technical and organisational measures.', evidence: ['policies'], settings: [policiesAreEnforced] },
    {
      clause: 'Article 32(1)(a)',
      asks: 'Pseudonymisation and encryption of personal data.',
      evidence: ['masked'],
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
      asks: 'Who acts under the authority of the controller processes personal data on instruction alone.',
      evidence: ['requests', 'approvals', 'denials'],
      settings: [peopleAreIdentified, policiesAreEnforced],
    },
  ],
};
