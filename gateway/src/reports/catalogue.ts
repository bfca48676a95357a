import { aarm } from './aarm.ts';
import { euAiAct } from './eu-ai-act.ts';
import { gdpr } from './gdpr.ts';
import { hipaa } from './hipaa.ts';
import { iso27001 } from './iso-27001.ts';
import { nist80053 } from './nist-800-53.ts';
import { pciDss } from './pci-dss.ts';
import type { Report } from './report.ts';
import { sec17a4 } from './sec-17a-4.ts';
import { soc2 } from './soc-2.ts';

/** All reports, in the order in which they are listed. */
export const reports: readonly Report[] = [aarm, euAiAct, gdpr, hipaa, iso27001, nist80053, pciDss, sec17a4, soc2];
