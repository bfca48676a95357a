import type { AccessLine } from '@countersign/gateway/api';
import { findProtocol } from '@countersign/gateway/config';
import { findData } from '@countersign/gateway/location';
import { ApiClient } from './api-client.ts';
import { loadConfig } from './configuration.ts';
import type { LocationOptions } from './location-options.ts';
import { findRunning } from './location.ts';
import { columns, printRows, type RowOptions } from './rows.ts';

interface AccessOptions extends LocationOptions, RowOptions {
  readonly groups?: readonly string[];
}

/** Prints what a principal may do at each target. If no gateway runs, by the policies that the configuration names. */
export async function printPrincipalAccess(name: string, options: AccessOptions): Promise<void> {
  const { groups } = options;
  const query = groups === undefined ? '' : `?${new URLSearchParams({ groups: groups.join(',') }).toString()}`;
  const asked = `/api/v1/principals/${encodeURIComponent(name)}/access${query}`;
  const lines = runs(options) ? (await ApiClient.open(options)).rows<AccessLine>(asked) : await offline(options, { principal: name });
  await printRows(lines, options, (line) => printed(line, line.target));
}

/** Prints who may do what at a target, in the same way. */
export async function printTargetAccess(name: string, options: AccessOptions): Promise<void> {
  const asked = `/api/v1/targets/${encodeURIComponent(name)}/access`;
  const lines = runs(options) ? (await ApiClient.open(options)).rows<AccessLine>(asked) : await offline(options, { target: name });
  await printRows(lines, options, (line) =>
    printed(line, line.principal ?? `any person ${line.groups.length === 0 ? 'in no group' : `in ${line.groups.join(',')} alone`}`),
  );
}

function runs({ url, config }: LocationOptions): boolean {
  return url !== undefined || findRunning(findData(config)) !== null;
}

async function offline(
  options: AccessOptions,
  { principal, target }: { readonly principal?: string; readonly target?: string },
): Promise<AsyncIterable<AccessLine>> {
  process.stderr.write('No gateway runs: this is by the policies that the configuration names.\n');
  const config = await loadConfig(options);
  const { accessLines, askerOf, configuredPolicy, possibleAskers, requireTarget } = await import('@countersign/gateway/policy');
  const policy = configuredPolicy(config);
  const parts = { policy: () => policy, targets: () => config.targets, directory: () => config, findProtocol };
  const askers = principal === undefined ? possibleAskers(parts) : [askerOf(parts, principal, undefined, options.groups)];
  return accessLines(parts, askers, target === undefined ? [...config.targets.values()] : [requireTarget(config.targets, target)]);
}

/** One row for all actions, or one for each group of actions of which policies say the same. */
function printed({ access, isObserved, actions }: AccessLine, name: string): string {
  const observed = isObserved ? ['policies are observed here'] : [];
  if (access === 'denied') {
    return columns(
      name,
      access,
      'all actions',
      [...new Set(actions.flatMap(({ policies }) => policies.filter(({ effect }) => effect === 'forbid').map(({ policy }) => policy)))],
      ...observed,
    );
  }
  return actions
    .map(({ names, isRest, access: some, policies }) => {
      const which = isRest ? `all ${actions.length === 1 ? '' : 'other '}actions` : names;
      return columns(name, some, which, policies.map(described).join('; '), ...observed);
    })
    .join('\n');
}

function described({ policy, effect, when, approval, isLimiting, mayFail }: AccessLine['actions'][number]['policies'][number]): string {
  return [
    `${effect === 'permit' ? 'permitted' : approval.length === 0 ? 'forbidden' : `held for ${approval.join(' and ')}`} by ${policy}`,
    ...(when === null ? [] : [`when ${when}`]),
    ...(isLimiting ? ['up to a limit'] : []),
    ...(mayFail ? ['and denied where it fails'] : []),
  ].join(' ');
}
