import { countOf } from '@countersign/gateway/count-of';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import {
  findProtocol,
  isLoopback,
  seemsLinkLocal,
  type Config,
  type DataClass,
  type Group,
  type Issuer,
  type Principal,
  type Role,
  type Sink,
  type Target,
  takesNotices,
} from '@countersign/gateway/config';
import type { CheckedPolicies } from '@countersign/gateway/policy';
import { rootKeyVariable } from '@countersign/gateway/store';
import { formatDuration } from './duration.ts';

/**
 * Explains a configuration in lines for people. Warnings about settings that are probably not intended come last. `policies` are those of its files, null if it
 * names none.
 */
export function explainConfig(config: Config, policies: CheckedPolicies | null, environment: NodeJS.ProcessEnv): readonly string[] {
  const { data, store, listen, tls, rootKey, targets, principals, issuers, groups, roles, sinks, classes, guardedClasses, retention } = config;
  const days = (count: number | null): string => (count === null ? 'forever' : countOf(count, 'day'));
  return [
    `data       ${data}`,
    ...(store === null
      ? []
      : [`store      a PostgreSQL that gateways share; while it cannot be asked, credentials count for ${formatDuration(store.staleMs)}`]),
    `retention  keys of facts are made for ${days(retention.metaDays)}, of contents for ${days(retention.contentDays)}; nothing is deleted yet`,
    `root key   ${rootKey === null ? describeRootKey(data, environment) : 'as the file says'}`,
    ...Array.from(listen, ([id, { host, port }]) => `listens    ${id} on ${host}:${port === 0 ? 'any free port' : port}${tls === null ? '' : ', TLS'}`),
    ...Array.from(targets.values(), (target) => `target     ${describeTarget(target)}`),
    ...Array.from(principals.values(), (principal) => `principal  ${describePrincipal(principal)}`),
    ...Array.from(issuers.values(), (issuer) => `issuer     ${describeIssuer(issuer)}`),
    ...roles.map((role) => `role       ${describeRole(role)}`),
    ...Array.from(groups, ([name, group]) => `group      ${describeGroup(name, group)}`),
    `policies   ${policies === null ? 'none but the grants' : `${describePath(config)}: ${policies.policies} in ${countOf(policies.files, 'file')}`}`,
    `approvals  ${describeApprovals(config)}`,
    `alerts     ${describeAlerts(config)}`,
    ...Array.from(sinks, ([name, sink]) => `sink       ${name}: ${describeSink(sink)}`),
    ...Array.from(
      classes.values(),
      (each) =>
        `class      ${each.name}: ${[describeClass(each), ...(guardedClasses.includes(each.name) ? ['content with it is opened by two persons'] : [])].filter((part) => part !== '').join('; ')}`,
    ),
    ...[...warnings(config), ...(policies?.warnings ?? [])].map((line) => `NOTE       ${line}`),
  ];
}

/** Describes where the gateway finds its root key. It looks in this order, in its own environment, which may differ from that of this process. */
function describeRootKey(data: string, environment: NodeJS.ProcessEnv): string {
  if (environment[rootKeyVariable] !== undefined) {
    return `from ${rootKeyVariable}, which is set here`;
  }
  const file = existsSync(join(data, 'root.key')) ? 'root.key in the data directory' : 'root.key, which the first start makes in the data directory';
  return `${file}; ${rootKeyVariable} is not set here, and goes before it where the gateway has it`;
}

function describeTarget(target: Target): string {
  const { name, protocol, command, host, port, path, user, password, durability, tags = {}, inspect = [], mode, options } = target;
  const place = command === undefined ? `${host}:${port}${path === '' ? '' : `/${path}`}` : `a program that the gateway starts, ${command.argv.join(' ')}`;
  const login = `${user === '' ? '' : ` as ${user}`}${password === undefined ? ', no credential' : ', with a credential of its own'}`;
  const set = Object.entries(findProtocol(protocol)?.inEffect?.(target) ?? options).map(
    ([option, value]) => `${option}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const policy = [
    ...(Object.keys(tags).length === 0
      ? []
      : [
          `tags ${Object.entries(tags)
            .map(([tag, value]) => `${tag}=${value}`)
            .join(' ')}`,
        ]),
    ...(inspect.length === 0 ? [] : [`inspected for ${inspect.join(', ')}`]),
    ...(mode === 'observe' ? ['policies are observed and not enforced'] : []),
  ];
  return `${name}: ${protocol}${command === undefined ? ' at' : ','} ${place}${command === undefined ? login : ''}; durability ${durability}${policy.map((each) => `; ${each}`).join('')}${set.length === 0 ? '' : `; ${set.join(' ')}`}`;
}

/** Returns the path of the policies as seen from the configuration file. */
function describePath({ file, policies }: Config): string {
  const path = relative(dirname(file), policies ?? '');
  return path.startsWith('..') ? path : `./${path}`;
}

function describeApprovals({ approvals }: Config): string {
  const { waitMs, mode, notify, link } = approvals;
  const told = { wait: 'whoever asks waits', return: 'whoever asks is told at once' };
  const who = mode === null ? 'people wait, agents are told at once' : told[mode];
  return `a request is held for at most ${formatDuration(waitMs)}; ${who}; notices to ${notify.join(', ') || 'nobody'}${link === null ? '' : `, with links to ${link}`}`;
}

/** Describes which rules tell whom. */
function describeAlerts({ alerts }: Config): string {
  const told = [...alerts.values()].filter(({ to }) => to.length > 0);
  const silent = countOf(alerts.size - told.length, told.length === 0 ? 'rule' : 'other rule');
  return `${told.map(({ name, to }) => `${name} to ${to.join(', ')}; `).join('')}${silent} to the list alone`;
}

/** Describes by what the values of a class of the configuration are known. */
export function describeClass({ columns, fields, pattern, words, classes }: DataClass): string {
  const looks = [...(pattern === null ? [] : [`pattern ${pattern}`]), ...(words.length === 0 ? [] : [countOf(words.length, 'word')])];
  return [...columns, ...fields, ...looks, ...classes].join(', ');
}

/** Says nothing of the address of a Slack sink, which is a credential. */
function describeSink(sink: Sink): string {
  if (!takesNotices(sink)) {
    const { kind, text, query, caFile } = sink.settings();
    return `${kind}; gets ${query === null ? 'all records' : `the records of ${query}`}, ${text ? 'facts and texts' : 'facts alone'}${caFile === null ? '' : `; authorities in ${caFile}`}`;
  }
  const place = sink.kind === 'webhook' ? `webhook at ${sink.url}` : sink.kind === 'smtp' ? `mail to ${sink.to.join(', ')}` : 'an incoming webhook of Slack';
  return `${place}; gets ${sink.text ? 'facts and texts' : 'facts alone'}${sink.caFile === undefined ? '' : `; authorities in ${sink.caFile}`}`;
}

function describePrincipal({ id, kind, groups, targets }: Principal): string {
  return `${id}: ${kind}${groups.length === 0 ? '' : ` of ${groups.join(', ')}`}${powers(groups)}; reaches ${targets.join(', ') || 'nothing'}`;
}

function describeIssuer({ name, url, audience, groups, principal, caFile }: Issuer): string {
  const claimed = groups === null ? 'no groups' : `groups by its claim ${groups}`;
  return `${name}: ${url}, for the audience ${audience}; principals ${name}/… by its claim ${principal}, ${claimed}${caFile === undefined ? '' : `; authorities in ${caFile}`}`;
}

function describeGroup(name: string, { targets, issuers }: Group): string {
  return `${name}${powers([name])}: reaches ${targets.join(', ') || 'nothing'}; ${issuers.length === 0 ? 'no token makes a member' : `members by tokens of ${issuers.join(', ')}`}`;
}

function describeRole({ name, role, groups, conditions, expiresMs }: Role): string {
  const records = conditions.length === 0 ? '' : `, for records with ${conditions.join(' and ')}`;
  return `${name}: members of ${groups.join(', ')} are ${role}${records}${expiresMs === null ? '' : `, until ${new Date(expiresMs).toISOString()}`}`;
}

/** Says what else members of these groups may do. */
function powers(groups: readonly string[]): string {
  return groups.includes('admins') ? ', administers and reads no content' : groups.includes('auditors') ? ', may read the public log and the metrics' : '';
}

/** Warnings about settings that are allowed and probably not intended. */
function warnings({ listen, tls, targets, places, principals, issuers, groups, roles }: Config): readonly string[] {
  const granted = new Set([...principals.values(), ...groups.values()].flatMap((each) => each.targets));
  const peopled = new Set(['admins', ...groups.keys(), ...[...principals.values()].flatMap((each) => each.groups)]);
  const vain = roles.filter((role) => !role.groups.some((group) => peopled.has(group)));
  const inTheClear = tls === null ? [...listen].filter(([, { host }]) => host !== 'localhost' && !isLoopback(host)) : [];
  const unreachable = [...targets.values()].filter(({ protocol }) => !listen.has(findProtocol(protocol)?.transport === 'exchange' ? 'http' : protocol));
  const guarded = [...targets.values()].filter(({ host, options }) => seemsLinkLocal(host) && options['linkLocal'] !== true);
  return [
    ...inTheClear.map(([id]) => `${id} can be reached from other machines without TLS: tokens and data cross the network in the clear`),
    ...(targets.size === 0 ? ['there is no target: countersign target add'] : []),
    ...(principals.size + issuers.size === 0 ? ['there is no principal, so nobody can come in: countersign principal add'] : []),
    ...unreachable.map(({ name, protocol }) => `${name} cannot be reached: listen has no address for ${protocol}`),
    ...guarded.map(
      ({ name, host }) =>
        `${places.get(name)}: targets.${name}: ${host} is link-local, or one of the addresses at which a cloud serves a machine's metadata, and is not dialled: options: { linkLocal: true } allows it`,
    ),
    ...vain.map(
      ({ name, groups: given }) =>
        `role ${name} is had by nobody: no principal is in ${given.join(' or ')}, and no token names it while groups has no line for it`,
    ),
    ...[...targets.keys()].filter((name) => !granted.has(name)).map((name) => `${name} is granted to nobody`),
  ];
}
