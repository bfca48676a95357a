import { ownAttributes } from '../domain/own-attributes.ts';
import type { FoundRecord } from '../search/found.ts';

export const savePolicyAction = 'gateway.save_policy';
export const applyConfigAction = 'gateway.apply_config';
const changeAction = 'gateway.change_policies';

/** The records from which the history of policies is made, in the language of queries. No client can cause one of them. */
export const policyHistoryQuery = `kind:policy or action:(${savePolicyAction} or ${applyConfigAction} or ${changeAction})`;

/** A version of the policies that was put into force. */
export interface PolicyVersion {
  readonly version: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** `LOG/INDEX` of its record. */
  readonly record: string;
  readonly how: 'saved' | 'applied' | 'files';
  readonly by: string | null;
  readonly file: string | null;
  readonly changes: string | null;
}

type Told = Pick<FoundRecord, 'kind' | 'action' | 'verdict' | 'record' | 'time' | 'attributes'>;

/**
 * Returns the versions of the policies, the newest first, at most `limit`. `records` are the newest first. Who saves a file is on record before the version, and
 * who has the configuration applied, after it. A start that finds the policies as they were is no version of its own.
 */
export async function policyHistory(records: AsyncIterable<Told>, limit: number): Promise<readonly PolicyVersion[]> {
  const versions: PolicyVersion[] = [];
  /** The records after the version that comes next, and before the one after it. */
  let after: Told[] = [];
  /** True: a save that would have made the newest of them did not come into force. Those before it made none either. */
  let isUndone = false;
  for await (const record of records) {
    const newest = versions.at(-1);
    if (record.kind !== 'policy') {
      if (newest !== undefined && isSaveOf(newest, record) && !isUndone) {
        isUndone = record.verdict === 'deny';
      }
      if (newest !== undefined && isSaveOf(newest, record) && !isUndone) {
        versions[versions.length - 1] = { ...newest, how: 'saved', by: nameOf(record, 'user.id'), file: nameOf(record, ownAttributes.policyFile) };
      }
      after.push(record);
      continue;
    }
    const version = versionOf(record, after);
    after = [];
    isUndone = false;
    if (newest?.version === version.version) {
      versions[versions.length - 1] = version;
    } else if (versions.length === limit) {
      break;
    } else {
      versions.push(version);
    }
  }
  return versions;
}

/** Returns whether a record says that somebody saved a file, which made this version. */
function isSaveOf({ how, version }: PolicyVersion, { action, attributes }: Told): boolean {
  return how === 'files' && action === savePolicyAction && attributes[ownAttributes.policyNewVersion] === version;
}

function versionOf({ record, time, kind, attributes }: Told, after: readonly Told[]): PolicyVersion {
  const version = String(attributes[`countersign.${kind}.version`]);
  const changed = after.findLast(({ action }) => action === changeAction);
  const applied = after.find(
    ({ action, attributes: { [ownAttributes.policyNewVersion]: made, [ownAttributes.policyOldVersion]: left } }) =>
      action === applyConfigAction && made === version && left !== version,
  );
  return {
    version,
    record,
    time,
    how: applied === undefined ? 'files' : 'applied',
    by: applied === undefined ? null : nameOf(applied, 'user.id'),
    file: null,
    changes: changed === undefined ? null : nameOf(changed, ownAttributes.reason),
  };
}

function nameOf({ attributes }: Told, attribute: string): string | null {
  const value = attributes[attribute];
  return typeof value === 'string' ? value : null;
}
