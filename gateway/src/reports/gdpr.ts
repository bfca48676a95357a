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
  about:
    'Regulation (EU) 2016/679: records of processing activities, by controllers (30(1)), and the security of processing, by controllers and processors (32). Processors keep the shorter record of 30(2). Names, purposes and transfers to third countries, 30(1)(a), (b) and (e), are in no record of a gateway. What it records may be personal data itself.',
  requirements: [
    {
      clause: 'Article 30(1)(c)',
      asks: 'The record of processing describes the categories of data subjects and of personal data.',
      evidence: ['classes'],
      settings: [valuesAreLookedFor],
      beyond: 'The record of processing activities itself, and the categories of data subjects.',
    },
    {
      clause: 'Article 30(1)(d)',
      asks: 'It names the categories of recipients to whom personal data have been or will be disclosed, those in third countries and international organisations among them.',
      evidence: ['requests', 'prompts'],
      settings: [],
      beyond: 'Recipients that are not reached through this gateway, and in which country one is.',
    },
    {
      clause: 'Article 30(1)(f)',
      asks: 'It names, where possible, the envisaged time limits for erasure of the different categories of data.',
      evidence: ['keeping', 'erasures', 'holds'],
      settings: [keeps({})],
      beyond: 'The limits for data at the targets: those here are of what the gateway records.',
    },
    {
      clause: 'Article 30(1)(g)',
      asks: 'It describes in general, where possible, the technical and organisational security measures of Article 32(1).',
      evidence: ['policies'],
      settings: [policiesAreEnforced],
    },
    {
      clause: 'Article 32(1)(a)',
      asks: 'As appropriate to the risk: the pseudonymisation and encryption of personal data.',
      evidence: ['masked', 'keys'],
      settings: [rootKeyIsElsewhere, transportIsEncrypted],
    },
    {
      clause: 'Article 32(1)(b)',
      asks: 'As appropriate to the risk: the ongoing confidentiality, integrity, availability and resilience of systems and services that process.',
      evidence: ['readings', 'denials', 'troubles'],
      settings: [readersAreLimited, othersWitness],
    },
    {
      clause: 'Article 32(1)(c)',
      asks: 'As appropriate to the risk: after a physical or technical incident, the availability of personal data and the access to them can be restored in a timely manner.',
      evidence: ['backups'],
      settings: [copyIsElsewhere],
      beyond: 'The data at the targets: what is restored here is the record.',
    },
    {
      clause: 'Article 32(1)(d)',
      asks: 'As appropriate to the risk: the effectiveness of the measures is tested, assessed and evaluated regularly.',
      evidence: ['reviews'],
      settings: [],
      beyond: 'Tests of policies (countersign policy test) and drills of restore leave no record here.',
    },
    {
      clause: 'Article 32(4)',
      asks: 'Controllers and processors take steps so that natural persons under their authority who have access to personal data process them on instructions of the controller alone, unless Union or Member State law requires it.',
      evidence: ['requests', 'approvals', 'denials'],
      settings: [peopleAreIdentified, policiesAreEnforced],
    },
  ],
};
