import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Role } from '../access/roles.ts';
import { classNames } from '../classes/built-in-names.ts';
import type { Config } from '../config/config.ts';
import { isLoopback } from '../domain/address.ts';
import { countOf } from '../domain/count-of.ts';
import type { DataClass } from '../domain/data-class.ts';
import { formatDays, formatDuration } from '../domain/duration.ts';
import type { Group, Issuer } from '../domain/issuer.ts';
import type { Principal } from '../domain/principal.ts';
import { takesNotices, type Sink } from '../domain/sink.ts';
import type { Target } from '../domain/target.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { findProtocol } from '../protocols/registry.ts';
import { rootKeyVariable } from '../domain/root-settings.ts';
import { parseQuery } from '../query/parse-query.ts';
import { unknownNames } from '../query/unknown-names.ts';
import type { KeptFor } from '../retention/retention-rules.ts';
import { seemsLinkLocal } from '../wire/link-local.ts';

/** One thing that a configuration says, in words for people. */
export interface ConfigLine {
  /** The kind of thing: `target`, `sink`, `NOTE` for a setting that is probably not intended ... */
  readonly what: string;
  readonly text: string;
}

export interface ExplainedPolicies {
  readonly files: number;
  readonly policies: number;
  /** Oddities of them, each as `FILE:LINE:COLUMN: MESSAGE`. */
  readonly warnings: readonly string[];
}

interface Explaining {
  /** The policies of the files; null if the configuration names none. */
  readonly policies: ExplainedPolicies | null;
  readonly environment: NodeJS.ProcessEnv;
  /** True: the gateway that runs explains it to others, without what may hold a secret although it is none by its form, as the arguments of programs. */
  readonly isForOthers: boolean;
}

/** Explains a configuration, with what is not written in it. Notes on settings that are probably not intended come last. */
export function explainConfig(config: Config, { policies, environment, isForOthers }: Explaining): readonly ConfigLine[] {
  const { data, store, listen, tls, keys, targets, principals, issuers, groups, roles, sinks, classes, guardedClasses, retention, limits } = config;
  const line = (what: string, text: string): ConfigLine => ({ what, text });
  return [
    line('data', data),
    ...(store === null
      ? []
      : [line('store', `a PostgreSQL that gateways share; while it cannot be asked, credentials count for ${formatDuration(store.staleMs)}`)]),
    line('retention', `by default: ${describeKept(retention.default)}`),
    ...retention.rules.map((rule) => line('retention', `${rule.query}: ${describeKept(rule)}`)),
    line('root key', keys.root === null ? describeRootKey(data, environment, isForOthers) : 'as the file says'),
    ...Array.from(listen, ([id, { host, port }]) => line('listens', `${id} on ${host}:${port === 0 ? 'any free port' : port}${tls === null ? '' : ', TLS'}`)),
    ...Array.from(targets.values(), (target) => line('target', describeTarget(target, isForOthers))),
    ...Array.from(principals.values(), (principal) => line('principal', describePrincipal(principal))),
    ...Array.from(issuers.values(), (issuer) => line('issuer', describeIssuer(issuer))),
    ...roles.map((role) => line('role', describeRole(role))),
    ...Array.from(groups, ([name, group]) => line('group', describeGroup(name, group))),
    line('sign-in', describeSignIn(config)),
    line('policies', policies === null ? 'none but the grants' : `${describePath(config)}: ${policies.policies} in ${countOf(policies.files, 'file')}`),
    line('approvals', describeApprovals(config)),
    line('alerts', describeAlerts(config)),
    ...Array.from(sinks, ([name, sink]) => line('sink', `${name}: ${describeSink(sink, isForOthers)}`)),
    ...Array.from(classes.values(), (each) => {
      const parts = [describeClass(each), ...(guardedClasses.includes(each.name) ? ['content with it is opened by two persons'] : [])];
      return line('class', `${each.name}: ${parts.filter((part) => part !== '').join('; ')}`);
    }),
    line(
      'limits',
      Object.entries(limits)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    ),
    ...[...warnings(config), ...(policies?.warnings ?? [])].map((text) => line('NOTE', text)),
  ];
}

/** Returns what an explanation says of policies in force; null if they are of no file. */
export function policiesInForce({ sources = [], texts = new Map(), findings }: PolicyEngine): ExplainedPolicies | null {
  const own = sources.filter(({ isBuiltIn }) => isBuiltIn !== true).map(({ file }) => `${file}:`);
  const policies = [...texts.keys()].filter((id) => own.some((file) => id.startsWith(file))).length;
  return own.length === 0 ? null : { files: own.length, policies, warnings: findings?.() ?? [] };
}

/** Describes where the gateway finds its root key. It looks in this order, in its own environment, which differs from that of a command. */
function describeRootKey(data: string, environment: NodeJS.ProcessEnv, isOfGateway: boolean): string {
  if (environment[rootKeyVariable] !== undefined) {
    return `from ${rootKeyVariable}${isOfGateway ? '' : ', which is set here'}`;
  }
  const file = existsSync(join(data, 'root.key')) ? 'root.key in the data directory' : 'root.key, which the first start makes in the data directory';
  return isOfGateway ? file : `${file}; ${rootKeyVariable} is not set here, and goes before it where the gateway has it`;
}

function describeKept({ content, facts, floor }: KeptFor): string {
  const earliest = floor === null ? '' : `; not erased before ${formatDays(floor)}`;
  return `contents are kept ${content === null ? '' : 'for '}${formatDays(content)}, facts ${facts === null ? '' : 'for '}${formatDays(facts)}${earliest}`;
}

function describeTarget(target: Target, isForOthers: boolean): string {
  const { name, protocol, command, host, port, path, user, password, durability, tags = {}, inspect = [], mode, options } = target;
  const place =
    command === undefined
      ? `${host}:${port}${path === '' ? '' : `/${path}`}`
      : `a program that the gateway starts, ${isForOthers ? command.argv[0] : command.argv.join(' ')}`;
  const login = `${user === '' ? '' : ` as ${user}`}${password === undefined ? ', no credential' : ', with a credential of its own'}`;
  const set = Object.entries(isForOthers ? {} : (findProtocol(protocol)?.inEffect?.(target) ?? options)).map(
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

function describeSignIn({ browser: { idleMs, ageMs }, fresh }: Config): string {
  const acts = Array.from(fresh, ([act, ms]) => `${act} needs a sign-in of the last ${formatDuration(ms)}`);
  return [`browsers stay signed in for ${formatDuration(ageMs)}, ${formatDuration(idleMs)} without a request`, ...acts].join('; ');
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

/** Says nothing of the address of a Slack sink, which is a credential; for others only where a webhook is, because its path may be one too. */
function describeSink(sink: Sink, isForOthers: boolean): string {
  if (!takesNotices(sink)) {
    const { kind, text, query, caFile } = sink.settings();
    return `${kind}; gets ${query === null ? 'all records' : `the records of ${query}`}, ${text ? 'facts and texts' : 'facts alone'}${caFile === null ? '' : `; authorities in ${caFile}`}`;
  }
  const place =
    sink.kind === 'webhook'
      ? `webhook at ${isForOthers ? new URL(sink.url).origin : sink.url}`
      : sink.kind === 'smtp'
        ? `mail to ${sink.to.join(', ')}`
        : 'an incoming webhook of Slack';
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
  return groups.includes('admins')
    ? ', administers and reads no content'
    : groups.includes('auditors')
      ? ', may read the public log, the metrics and the classes of keeping'
      : '';
}

/** Warnings about settings that are allowed and probably not intended. */
function warnings(config: Config): readonly string[] {
  const { listen, tls, targets, places, principals, issuers, groups, roles } = config;
  const granted = new Set([...principals.values(), ...groups.values()].flatMap((each) => each.targets));
  const peopled = new Set(['admins', ...groups.keys(), ...[...principals.values()].flatMap((each) => each.groups)]);
  const vain = roles.filter((role) => !role.groups.some((group) => peopled.has(group)));
  const isInTheClear = (id: string, host: string): boolean => findProtocol(id)?.isEncrypted !== true && host !== 'localhost' && !isLoopback(host);
  const inTheClear = tls === null ? [...listen].filter(([id, { host }]) => isInTheClear(id, host)) : [];
  const unreachable = [...targets.values()].filter(
    ({ protocol }) => !listen.has(protocol) && !(findProtocol(protocol)?.transport === 'exchange' && listen.has('http')),
  );
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
    ...strangeQueries(config),
    ...[...targets.keys()].filter((name) => !granted.has(name)).map((name) => `${name} is granted to nobody`),
  ];
}

/** Says which queries of a configuration name a target or a class that there is not. They may be about former records. */
export function strangeQueries({ targets, classes, retention, roles, alerts }: Config): readonly string[] {
  const known = { target: [...targets.keys()], class: classNames(classes) };
  const queries = [
    ...retention.rules.map(({ query }) => ({ whose: `the rule of retention for ${query}`, query })),
    ...roles.flatMap(({ name, conditions }) => conditions.map((query) => ({ whose: `role ${name}`, query }))),
    ...Array.from(alerts.values(), ({ name, query }) => ({ whose: `the rule ${name} for alerts`, query })),
  ];
  return queries.flatMap(({ whose, query }) => unknownNames(parseQuery(query, 0), known).map((what) => `${whose}: ${what}`));
}
