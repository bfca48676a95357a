import type { EvidenceName } from './evidence.ts';
import type { SettingCheck } from './setting-checks.ts';

/** A requirement of a regulation, and how it is answered. */
interface Requirement {
  /** Where it is in the text of the regulation, as `Article 12(1)`. */
  readonly clause: string;
  /** The requirement in short, in our words. */
  readonly asks: string;
  /** The records that show something for it. */
  readonly evidence: readonly EvidenceName[];
  /** The settings that it depends on. */
  readonly settings: readonly SettingCheck[];
  /** The part of it that no record of a gateway shows. */
  readonly beyond?: string;
}

/** The requirements of a regulation for what goes through a gateway. A report judges nothing: whoever reads it does. */
export interface Report {
  /** As commands and the API name it: `pci-dss`. */
  readonly name: string;
  readonly title: string;
  /** Which text is meant, and from when on it applies. */
  readonly about: string;
  readonly requirements: readonly Requirement[];
}
