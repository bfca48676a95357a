import type { Role } from '../access/roles.ts';
import type { AlertRule } from '../domain/alert.ts';
import { countOf } from '../domain/count-of.ts';
import { formatDays } from '../domain/duration.ts';
import type { KeySettings, RootSettings } from '../domain/root-settings.ts';
import type { StorageSettings } from '../domain/storage.ts';
import type { Target } from '../domain/target.ts';
import type { KeptFor, RetentionSettings } from '../retention/retention-rules.ts';

/** The part of the configuration in force that reports look at. It holds no secret. */
export interface ReportedSettings {
  readonly retention: RetentionSettings;
  readonly alerts: ReadonlyMap<string, Pick<AlertRule, 'to'>>;
  readonly sinks: ReadonlyMap<string, unknown>;
  readonly issuers: ReadonlyMap<string, unknown>;
  readonly roles: readonly Role[];
  readonly guardedClasses: readonly string[];
  readonly tls: unknown;
  readonly targets: ReadonlyMap<string, Pick<Target, 'name' | 'durability' | 'mode' | 'inspect'>>;
  readonly policies: string | null;
  readonly storage: StorageSettings | null;
  readonly witnesses: unknown;
  readonly timestamps: unknown;
  readonly keys: Pick<KeySettings, 'root' | 'escrow'>;
}

/** Sentences on how the configuration meets a requirement. */
interface SettingAnswer {
  readonly says: readonly string[];
  /** Says what is missing, why that matters, and how it is supplied. */
  readonly lacks: readonly string[];
}

/** Looks at the configuration for a requirement. */
export type SettingCheck = (settings: ReportedSettings) => SettingAnswer;

/** Returns the default and the rules, each with its name for people. */
function classesOf({ retention }: ReportedSettings): readonly { readonly name: string; readonly kept: KeptFor }[] {
  return [{ name: 'the default', kept: retention.default }, ...retention.rules.map((rule) => ({ name: `the rule ${rule.query}`, kept: rule }))];
}

/** Finds the classes that keep for fewer days than are asked for. */
export function keeps(wanted: { readonly content?: number; readonly facts?: number }): SettingCheck {
  return (settings) => {
    const classes = classesOf(settings);
    const short = (slot: 'content' | 'facts', word: string): readonly string[] =>
      classes.flatMap(({ name, kept }) =>
        (kept[slot] ?? Infinity) < (wanted[slot] ?? 0)
          ? [
              `By ${name}, ${word} are kept for ${formatDays(kept[slot])} (${countOf(kept[slot] ?? 0, 'day')}), and ${countOf(wanted[slot] ?? 0, 'day')} are asked for: lengthen it, or say why this does not fall under it.`,
            ]
          : [],
      );
    return {
      says: classes.map(({ name, kept }) => `By ${name}, contents are kept ${duration(kept.content)} and facts ${duration(kept.facts)}.`),
      lacks: [...short('content', 'contents'), ...short('facts', 'facts')],
    };
  };
}

/** Finds the classes of which something may be erased before so many days. */
export function isNotErasedBefore(days: number): SettingCheck {
  return (settings) => {
    const open = classesOf(settings).filter(({ kept }) => (kept.floor ?? 0) < days);
    return {
      says: classesOf(settings).flatMap(({ name, kept }) =>
        kept.floor === null ? [] : [`By ${name}, nobody can erase anything before ${formatDays(kept.floor)}.`],
      ),
      lacks: open.map(
        ({ name }) =>
          `By ${name}, somebody may erase something before ${countOf(days, 'day')}: a rule of retention with floor prevents it. An erasure is on record in any case.`,
      ),
    };
  };
}

/** Finds whether so many of the newest days of the journal are on the disk of the gateway, or only in the bucket. */
export function isAtHand(days: number): (settings: Pick<ReportedSettings, 'storage'>) => SettingAnswer {
  return ({ storage }) => {
    const kept = storage?.keepLocal ?? { days: null, bytes: null };
    const far = 'what is older is fetched from the bucket when it is read. Show that the bucket can be reached, or change keepLocal.';
    return {
      says:
        kept.bytes !== null
          ? []
          : [
              kept.days === null
                ? 'All of the journal that is kept is on the disk of the gateway.'
                : `The newest ${countOf(kept.days, 'day')} of the journal are on the disk of the gateway.`,
            ],
      lacks: [
        ...(kept.days !== null && kept.days < days
          ? [`Only the newest ${countOf(kept.days, 'day')} of the journal are on the disk, and ${countOf(days, 'day')} are asked for: ${far}`]
          : []),
        ...(kept.bytes === null ? [] : [`Only the newest ${countOf(kept.bytes, 'byte')} of the journal are on the disk, however many days that is: ${far}`]),
      ],
    };
  };
}

function duration(days: number | null): string {
  return days === null ? 'for ever' : `for ${formatDays(days)}`;
}

/** Finds whom rules for alerts tell. */
export function alertsTell(...names: readonly string[]): SettingCheck {
  return ({ alerts }) => {
    const rules = names.length === 0 ? [...alerts.keys()] : names;
    const told = rules.filter((name) => (alerts.get(name)?.to ?? []).length > 0);
    const silent = rules.filter((name) => alerts.has(name) && !told.includes(name));
    const off = rules.filter((name) => !alerts.has(name));
    return {
      says: told.map((name) => `The alert ${name} tells ${(alerts.get(name)?.to ?? []).join(', ')}.`),
      lacks: [
        ...(silent.length === 0
          ? []
          : [`Of these alerts nobody is told; they are in the list of alerts alone: ${silent.join(', ')}. Name a sink in to of alerts.`]),
        ...off.map((name) => `The alert ${name} is switched off.`),
      ],
    };
  };
}

/** Who may read recordings. */
export const readersAreLimited: SettingCheck = ({ roles, guardedClasses }) => ({
  says: [
    ...roles.map(
      ({ name, groups, conditions }) =>
        `${groups.join(', ')} have the role ${name}${conditions.length === 0 ? '' : `, for the records of ${conditions.join(' and ')}`}.`,
    ),
    ...guardedClasses.map((name) => `Content with values of the class ${name} is opened by two persons.`),
    'Administrators read facts, and no content. Each reading over the API is on record.',
  ],
  lacks: roles.length === 0 ? ['There are no roles: nobody but the operator on the machine reads content, and no auditor has a role of its own.'] : [],
});

/** Where identities come from. */
export const peopleAreIdentified: SettingCheck = ({ issuers }) => ({
  says: [
    'Each request belongs to one identity, by the token or certificate that came with it; the gateway gives nobody the credential of a target.',
    ...[...issuers.keys()].map((name) => `Identities come from the issuer ${name}.`),
  ],
  lacks:
    issuers.size === 0 ? ['No issuer is configured, so people come in with tokens of the gateway, and who leaves the organisation is not out by that.'] : [],
});

export const policiesAreEnforced: SettingCheck = ({ policies, targets }) => ({
  says: policies === null ? ['Access is by the grants of the configuration.'] : ['Access is by the grants of the configuration and by policies in Cedar.'],
  lacks: [
    ...(policies === null ? ['There are no policies but the grants: who may reach a target may do everything there that its credential allows.'] : []),
    ...[...targets.values()].flatMap(({ name, mode }) => (mode === 'observe' ? [`At the target ${name}, policies are observed and not enforced.`] : [])),
  ],
});

export const valuesAreLookedFor: SettingCheck = ({ targets }) => {
  const all = [...targets.values()];
  const others = all.filter(({ inspect = [] }) => inspect.length === 0).map(({ name }) => name);
  return {
    says: all.flatMap(({ name, inspect = [] }) => (inspect.length === 0 ? [] : [`At ${name}, values of ${inspect.join(', ')} are looked for.`])),
    lacks:
      others.length === 0
        ? []
        : [`At ${others.join(', ')}, values of data classes are looked for only where a policy asks for them: inspect of a target names classes.`],
  };
};

export const nothingPassesUnrecorded: SettingCheck = ({ targets }) => {
  const early = [...targets.values()].filter(({ durability }) => durability === 'process').map(({ name }) => name);
  return {
    says: ['A request is recorded, and only then sent. What cannot be recorded is not sent.'],
    lacks: early.length === 0 ? [] : [`At ${early.join(', ')} the durability is process: a loss of power may take the last tenth of a second of the record.`],
  };
};

export const transportIsEncrypted: SettingCheck = ({ tls }) => ({
  says: tls === null ? [] : ['The listeners have a certificate.'],
  lacks: tls === null ? ['The listeners have no certificate: set tls, or show that only this machine or an encrypted network reaches them.'] : [],
});

export const copyIsElsewhere: SettingCheck = ({ storage }) => ({
  says:
    storage === null
      ? []
      : [`The journal is sent to the bucket ${storage.bucket}${storage.lock === null ? '' : `, where Object Lock (${storage.lock}) keeps it`}.`],
  lacks: [
    ...(storage === null ? ['Nothing sends the journal to another place by itself: set storage, or make backups.'] : []),
    ...(storage !== null && storage.lock === null ? ['The bucket has no Object Lock by this configuration: who has its credentials may delete there.'] : []),
  ],
});

export const othersWitness: SettingCheck = ({ witnesses }) => ({
  says: ['Each record is in a signed log, and countersign verify finds a change of it with the public key alone.'],
  lacks:
    witnesses === null
      ? [
          'There are no witnesses: whoever has all keys of the gateway could replace the whole log by another one. Set witnesses, or keep checkpoints elsewhere.',
        ]
      : [],
});

const providers: Readonly<Record<RootSettings['kind'], string>> = {
  local: 'a key that this machine has in a file or in the environment',
  vault: 'a key of Vault',
  'aws-kms': 'a key of AWS KMS',
  pkcs11: 'a key in a token (PKCS#11)',
};

export const rootKeyIsElsewhere: SettingCheck = ({ keys: { root, escrow } }) => ({
  says: [
    `What is recorded is encrypted, under keys that the root secret wraps${root === null ? '' : `, which ${providers[root.kind]} wraps`}.`,
    ...(escrow.length === 0 ? [] : [`The root secret is in escrow for ${countOf(escrow.length, 'recipient')} of age.`]),
  ],
  lacks:
    root === null
      ? ['The configuration names no root key, so it is in the environment of the gateway or in the data directory, beside what it opens.']
      : root.kind === 'local'
        ? ['This machine has the root key, so who has the machine has it: a key service or token keeps its key to itself, and says no when it is told to.']
        : [],
});

export const recordsGoOn: SettingCheck = ({ sinks }) => ({
  says: [...sinks.keys()].map((name) => `The sink ${name} is configured.`),
  lacks: sinks.size === 0 ? ['No sink is configured: no other system gets records or notices of alerts.'] : [],
});

export const clockIsOfMachine: SettingCheck = ({ timestamps }) => ({
  says: [
    'Each record has the time of the clock of the machine, in UTC. Jumps of it are recorded, with both clocks.',
    ...(timestamps === null ? [] : ['An authority outside stamps checkpoints with its own time (RFC 3161).']),
  ],
  lacks: [
    'Whether the clock of the machine is synchronised is not known to the gateway: show it there, as with chronyc tracking.',
    ...(timestamps === null ? ['No authority outside says when a record was there at the latest: set timestamps.'] : []),
  ],
});
