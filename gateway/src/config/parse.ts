import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { openRole } from '../access/roles.ts';
import { builtInNames } from '../classes/built-in-names.ts';
import { parseWorkingHours, type AlertRule } from '../domain/alert.ts';
import { builtInAlerts, ruleDefaults } from '../domain/built-in-alerts.ts';
import { GatewayError } from '../domain/errors.ts';
import { faultOfShownSecret } from '../domain/shown-secret.ts';
import { freshActs, subjectKey, type Group, type Issuer } from '../domain/issuer.ts';
import { defaultLimits, type Limits } from '../domain/limits.ts';
import { plainFault } from '../domain/plain-faults.ts';
import type { Principal } from '../domain/principal.ts';
import { usageProviders } from '../domain/usage-settings.ts';
import { listenerOf, type Protocol } from '../domain/protocol.ts';
import { readKeys, refuseSinkUrl, type Sink, type StreamFacts, type StreamSettings } from '../domain/sink.ts';
import { isLoopback } from '../domain/address.ts';
import type { RootSettings } from '../domain/root-settings.ts';
import type { SecretSource, StorageSettings } from '../domain/storage.ts';
import { faultOfStoreUrl, parseStoreUrl } from '../domain/store-settings.ts';
import { knownNames, suggest } from '../domain/suggest.ts';
import type { SecretReader } from '../domain/target.ts';
import { placeForms, placeKinds } from '../domain/value-place.ts';
import { parseField, parseQuery } from '../query/parse-query.ts';
import { specialFields, termsOf, UnreadableQuery } from '../query/query.ts';
import { systemErrorWords } from '../store/system-error.ts';
import type { Address, Config, ReviewModel, StoreConfig, TimestampConfig, WitnessConfig } from './config.ts';
import { problemsOf } from './closed.ts';
import { configBytesMax } from './find.ts';
import { locate, placeOf, type Problem, type Source } from './locate.ts';
import { toPlain } from './plain-yaml.ts';
import { configSchema, durationMs, type RawConfig, type RawObjectStorage, type RawRootProvider, type RawSharedStore } from './schema.ts';
import { pathFinder } from './paths.ts';
import { liveSections, startSections } from './sections.ts';
import { resolveSecret, secretOpener, type OpenSecret } from './secret.ts';
import { parseTarget } from './target.ts';
import { readAuthorities } from './timestamps.ts';
import { readWitnessPolicy } from './witnesses.ts';

const problemsMax = 50;
const defaultListen: Readonly<Record<string, string>> = { http: '127.0.0.1:7070' };

export interface ParseContext {
  /** The file that the text is from. Messages name it, and relative paths start from its directory. */
  readonly file: string;
  readonly protocols: readonly Protocol[];
  readonly environment: NodeJS.ProcessEnv;
  /** `missing`: secrets need not be there, because the caller (the CLI) does not dial targets. */
  readonly secrets: 'needed' | 'missing';
}

/** Reads a configuration file. Throws GatewayError `config_invalid` with all faults, one in each line: `file:line:column: name: what is expected`. */
export function readConfig(file: string, protocols: readonly Protocol[], environment: NodeJS.ProcessEnv, secrets: ParseContext['secrets'] = 'needed'): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const words = systemErrorWords(cause) ?? 'it is not known why';
    throw new GatewayError('config_invalid', `${file} cannot be read: ${words}. countersign init makes one; --config FILE names another.`, { cause });
  }
  return parseConfig(text, { file: resolve(file), protocols, environment, secrets });
}

/** Parses the text of a configuration file. Throws GatewayError `config_invalid` as `readConfig` does. */
export function parseConfig(text: string, context: ParseContext): Config {
  if (Buffer.byteLength(text) > configBytesMax) {
    throw new GatewayError('config_invalid', `${context.file} is longer than ${configBytesMax} bytes.`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const source = { document, lines, file: context.file };
  const fail = (problems: readonly Problem[]): never => {
    throw new GatewayError(
      'config_invalid',
      problems
        .slice(0, problemsMax)
        .map((problem) => locate(source, problem))
        .join('\n'),
    );
  };
  if (document.errors.length > 0) {
    const twice = 'this name is there already: write all that belongs to it in one place';
    return fail(document.errors.map(({ pos, code, message }) => ({ offset: pos[0], message: code === 'DUPLICATE_KEY' ? twice : message })));
  }
  const written = withoutEmptySections(toPlain(document, context.file) ?? {});
  const base = dirname(context.file);
  const files = new Set<string>();
  const note = (path: string): unknown => files.add(path);
  const openSecret = secretOpener({ environment: context.environment, base, needed: context.secrets === 'needed', note });
  const findPath = pathFinder(base, true, note);
  const findNeeded = pathFinder(base, context.secrets === 'needed', note);
  const schema = configSchema({
    protocols: context.protocols.filter((protocol) => listenerOf(protocol) === protocol.id).map(({ id }) => id),
    parseTarget: (raw, wrong) => parseTarget(raw, { protocols: context.protocols, openSecret, findPath: findNeeded }, wrong),
  });
  const { rootKey: renamed, ...named } = asRecord(written);
  const outcome = schema.safeParse(renamed === undefined ? written : named, { error: plainFault });
  const problems: Problem[] = [
    ...(renamed === undefined
      ? []
      : [{ path: ['rootKey'], at: 'key' as const, message: 'this is keys.root now: keys: { root: { env: VARIABLE } }, or { file: PATH }' }]),
    ...(outcome.error?.issues ?? []).flatMap(problemsOf),
    ...remoteWithoutStorage(written),
    ...unknownTargets(written),
    ...unknownPlaces(written),
    ...unknownClasses(written),
    ...wrongSinks(written),
    ...faultsOfAlerts(written),
    ...faultsOfReviews(written),
    ...unknownIssuers(written),
    ...sharedNames(written),
  ];
  if (outcome.data?.store !== undefined) {
    const { url, password, key, caFile, tls } = outcome.data.store.postgres;
    const place = ['store', ...Object.keys(outcome.data.store)];
    const check = (at: string, given: typeof key | string | undefined, fault: (value: string) => string | null): void => {
      const wrong = (message: string): unknown => problems.push({ path: [...place, at], message });
      const read = given === undefined ? () => '' : typeof given === 'string' ? () => given : openSecret(given, wrong);
      const message = typeof given !== 'string' && context.secrets === 'missing' ? null : faultOf(read, fault);
      if (message !== null) {
        wrong(message);
      }
    };
    check('url', url, (value) => faultOfStoreUrl(value, typeof url !== 'string'));
    check('password', password, () => null);
    check('key', key, faultOfShownSecret);
    if (caFile !== undefined) {
      findNeeded(caFile, (message) => problems.push({ path: [...place, 'caFile'], message }));
      if (tls === 'off') {
        problems.push({ path: [...place, 'caFile'], message: 'without TLS there is no certificate: leave caFile out, or tls: off' });
      }
    }
  }
  const { root, previous } = outcome.data?.keys ?? {};
  for (const [at, provider] of Object.entries({ root, previous })) {
    const settings = provider === undefined ? null : openRoot(provider, base, context.environment);
    const wrong = (message: string): unknown => problems.push({ path: ['keys', at], message });
    for (const secret of settings === null ? [] : secretsOf(settings)) {
      openSecret(secret, wrong);
    }
    if (provider?.caFile !== undefined) {
      findNeeded(provider.caFile, wrong);
    }
  }
  if (outcome.data?.storage !== undefined) {
    const { caFile, accessKeyId, secretAccessKey, sessionToken } = outcome.data.storage.s3;
    const secrets = {
      accessKeyId: accessKeyId ?? { env: 'AWS_ACCESS_KEY_ID' },
      secretAccessKey: secretAccessKey ?? { env: 'AWS_SECRET_ACCESS_KEY' },
      ...(sessionToken === undefined ? {} : { sessionToken }),
    };
    for (const [at, secret] of Object.entries(secrets)) {
      openSecret(secret, (message) => problems.push({ path: ['storage', 's3', at], message }));
    }
    if (caFile !== undefined) {
      findNeeded(caFile, (message) => problems.push({ path: ['storage', 's3', 'caFile'], message }));
    }
  }
  for (const [sink, { webhook, secret, slack, caFile, query }] of Object.entries(outcome.data?.sinks ?? {})) {
    const wrong = (at: string) => (message: string) => problems.push({ path: ['sinks', sink, at], message });
    const check = (at: string, given: typeof secret, fault: (value: string) => string | null): void => {
      const read = given === undefined ? null : openSecret(given, wrong(at));
      const message = read === null || context.secrets === 'missing' ? null : faultOf(read, fault);
      if (message !== null) {
        wrong(at)(message);
      }
    };
    if (caFile !== undefined) {
      findPath(caFile, wrong('caFile'));
    }
    check('slack', slack, refuseSinkUrl);
    problems.push(...(query === undefined ? [] : faultsOfQuery(query, ['sinks', sink, 'query'])));
    check('secret', secret, (value) =>
      webhook !== undefined && readKeys(value) === null
        ? 'a secret is whsec_ and 24 to 64 random bytes in base64: echo whsec_$(openssl rand -base64 32)'
        : null,
    );
  }
  for (const [name, { clientSecret, scim, caFile }] of Object.entries(outcome.data?.identity.issuers ?? {})) {
    const wrong = (at: string) => (message: string) => problems.push({ path: ['identity', 'issuers', name, at], message });
    if (clientSecret !== undefined) {
      openSecret(clientSecret, wrong('clientSecret'));
    }
    const read = scim === undefined ? null : openSecret(scim, wrong('scim'));
    const fault = read === null || context.secrets === 'missing' ? null : faultOf(read, faultOfShownSecret);
    if (fault !== null) {
      wrong('scim')(fault);
    }
    if (caFile !== undefined) {
      findPath(caFile, wrong('caFile'));
    }
  }
  for (const [name, { words }] of Object.entries(outcome.data?.classes ?? {})) {
    const wrong = (message: string): unknown => problems.push({ path: ['classes', name, 'words'], message });
    const list = words === undefined ? '' : findPath(words, wrong);
    const { size = 0 } = statSync(list, { throwIfNoEntry: false }) ?? {};
    if (size > wordsBytesMax) {
      wrong(`${list} has more than ${wordsBytesMax} bytes`);
    }
  }
  problems.push(...(outcome.success ? misplaced(outcome.data, context.protocols) : []));
  for (const [name, path] of Object.entries(outcome.data?.tls ?? {})) {
    if (path !== undefined) {
      findNeeded(path, (message) => problems.push({ path: ['tls', name], message }));
    }
  }
  const { policy: witnessPolicy, caFile: witnessAuthorities } = outcome.data?.witnesses ?? {};
  if (witnessPolicy !== undefined) {
    const wrong = (message: string): unknown => problems.push({ path: ['witnesses', 'policy'], message });
    readWitnessPolicy(findNeeded(witnessPolicy, wrong), wrong);
  }
  if (witnessAuthorities !== undefined) {
    findNeeded(witnessAuthorities, (message) => problems.push({ path: ['witnesses', 'caFile'], message }));
  }
  const { authorities, caFile: timestampAuthorities } = outcome.data?.timestamps ?? {};
  if (authorities !== undefined) {
    const wrong = (message: string): unknown => problems.push({ path: ['timestamps', 'authorities'], message });
    readAuthorities(findNeeded(authorities, wrong), wrong);
  }
  if (timestampAuthorities !== undefined) {
    findNeeded(timestampAuthorities, (message) => problems.push({ path: ['timestamps', 'caFile'], message }));
  }
  for (const [target, { key }] of Object.entries(outcome.data?.reconcile ?? {})) {
    openSecret(key, (message) => problems.push({ path: ['reconcile', target, 'key'], message }));
    if (!Object.hasOwn(outcome.data?.targets ?? {}, target)) {
      problems.push({ path: ['reconcile', target], message: 'there is no target of this name' });
    }
  }
  if (outcome.data?.policies !== undefined) {
    pathFinder(base, true)(outcome.data.policies, (message) => problems.push({ path: ['policies'], message }));
  }
  return outcome.success && problems.length === 0
    ? build(outcome.data, { ...context, base, files: [...files].toSorted(), openSecret, source, text })
    : fail(problems);
}

function parseAddress(address: string): Address {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

/** Leaves out the sections `targets:` and `principals:` if they contain only comments. */
function withoutEmptySections(written: unknown): unknown {
  const isEmpty = (name: string): boolean => liveSections.some((section) => section === name) && asRecord(written)[name] === null;
  return Array.isArray(written) || typeof written !== 'object'
    ? written
    : Object.fromEntries(Object.entries(asRecord(written)).filter(([name]) => !isEmpty(name)));
}

/** Finds targets whose records are to be in a bucket, if there is none. */
function remoteWithoutStorage(written: unknown): Problem[] {
  const { storage, targets } = asRecord(written);
  return storage !== undefined
    ? []
    : Object.entries(asRecord(targets)).flatMap(([name, target]) =>
        asRecord(target)['durability'] === 'remote'
          ? [{ path: ['targets', name, 'durability'], message: 'remote needs a bucket: storage: { s3: { bucket: NAME } }' }]
          : [],
      );
}

/**
 * Finds targets that are granted to principals and groups and do not exist. It looks at the document as written, so that these faults are reported along with all
 * others.
 */
function unknownTargets(written: unknown): Problem[] {
  const sections = asRecord(written);
  const known = asRecord(sections['targets']);
  return ['principals', 'groups'].flatMap((section) =>
    Object.entries(asRecord(sections[section])).flatMap(([id, member]) => {
      const granted = asRecord(member)['targets'];
      return (Array.isArray(granted) ? granted : []).flatMap((name, i) =>
        typeof name !== 'string' || Object.hasOwn(known, name)
          ? []
          : [{ path: [section, id, 'targets', i], message: `there is no target ${JSON.stringify(name)}${knownNames(name, Object.keys(known))}` }],
      );
    }),
  );
}

/** Finds issuers that are named and do not exist, and groups that do not say which of several issuers counts. */
function unknownIssuers(written: unknown): Problem[] {
  const { identity, principals, groups } = asRecord(written);
  const known = Object.keys(asRecord(asRecord(identity)['issuers']));
  const unknown = (named: unknown, path: readonly PropertyKey[]): Problem[] =>
    typeof named !== 'string' || known.includes(named) ? [] : [{ path, message: `there is no issuer ${JSON.stringify(named)}${knownNames(named, known)}` }];
  return [
    ...Object.entries(asRecord(principals)).flatMap(([id, principal]) => unknown(asRecord(principal)['issuer'], ['principals', id, 'issuer'])),
    ...Object.entries(asRecord(groups)).flatMap(([id, group]): Problem[] => {
      const { issuers } = asRecord(group);
      if (issuers === undefined && known.length > 1) {
        return [{ path: ['groups', id], at: 'key', message: `there are several issuers: say whose claim makes members of it, issuers: [${known.join(', ')}]` }];
      }
      return (Array.isArray(issuers) ? issuers : []).flatMap((named, i) => unknown(named, ['groups', id, 'issuers', i]));
    }),
  ];
}

/** Finds subjects that are bound to two principals, and issuers with the address of another: a token would not say who or whose it is. */
function sharedNames(written: unknown): Problem[] {
  const { identity, principals, tls } = asRecord(written);
  const again = (entries: readonly (readonly [key: string, name: string, path: readonly PropertyKey[]])[], whose: string): Problem[] =>
    entries.flatMap(([key, , path], i) => {
      const first = entries.slice(0, i).find(([other]) => other === key);
      return first === undefined ? [] : [{ path, message: `this is ${whose} of ${first[1]} already` }];
    });
  const bound = Object.entries(asRecord(principals)).flatMap(([id, principal]) => {
    const { issuer, subject } = asRecord(principal);
    return typeof issuer === 'string' && typeof subject === 'string' ? [[subjectKey(issuer, subject), id, ['principals', id, 'subject']] as const] : [];
  });
  const addresses = Object.entries(asRecord(asRecord(identity)['issuers'])).flatMap(([name, issuer]) => {
    const { url } = asRecord(issuer);
    return typeof url === 'string' ? [[url, name, ['identity', 'issuers', name, 'url']] as const] : [];
  });
  const certificates = Object.entries(asRecord(principals)).flatMap(([id, principal]) =>
    namesOfCertificate(asRecord(asRecord(principal)['certificate'])).map((each) => [each, id, ['principals', id, 'certificate']] as const),
  );
  const keys = Object.entries(asRecord(principals)).flatMap(([id, principal]) =>
    namesOfKeys(asRecord(principal)['sshKeys']).map((each, i) => [each, id, ['principals', id, 'sshKeys', i]] as const),
  );
  const shown = Object.entries(asRecord(principals)).flatMap(([id, principal]) =>
    namesOfSshCertificates(asRecord(principal)['sshCertificates']).map((each, i) => [each, id, ['principals', id, 'sshCertificates', i]] as const),
  );
  const asked = asRecord(tls)['clients'] === undefined ? certificates.slice(0, 1) : [];
  return [
    ...again(bound, 'the subject'),
    ...again(addresses, 'the address'),
    ...again(certificates, 'the certificate'),
    ...again(keys, 'a key'),
    ...again(shown, 'a certificate'),
    ...asked.map(([, , path]) => ({
      path,
      message: 'clients are asked for certificates only with tls: { cert, key, clients: FILE }, which names their authorities',
    })),
  ];
}

/** Returns the names by which a certificate is known, as `ShownCertificate` has them. */
function namesOfCertificate(written: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(written).flatMap(([kind, value]) =>
    typeof value !== 'string' ? [] : [`${kind}:${kind === 'uri' ? value : kind === 'sha256' ? value.replaceAll(':', '').toLowerCase() : value.toLowerCase()}`],
  );
}

/** Returns the names by which bare public keys are known, as `ShownCertificate` has them. */
function namesOfKeys(written: unknown): readonly string[] {
  return Array.isArray(written) ? written.map((each) => `key:${String(each).split(' ')[1] ?? ''}`) : [];
}

/** Returns the names by which certificates of OpenSSH are known, as `ShownCertificate` has them. */
function namesOfSshCertificates(written: unknown): readonly string[] {
  return Array.isArray(written)
    ? written.map(asRecord).map(({ authority, principal }) => `ssh:${String(authority).split(' ')[1] ?? ''}:${String(principal)}`)
    : [];
}

/** A list of words has at most so many bytes. */
const wordsBytesMax = 4 * 1024 * 1024;

function readWords(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Finds targets in the places of data classes that do not exist. */
function unknownPlaces(written: unknown): Problem[] {
  const { targets, classes } = asRecord(written);
  const known = Object.keys(asRecord(targets));
  return Object.entries(asRecord(classes)).flatMap(([id, dataClass]) =>
    placeKinds.flatMap((list) => {
      const places = asRecord(dataClass)[list];
      return (Array.isArray(places) ? places : []).flatMap((place, i) => {
        const target = typeof place === 'string' ? targetOf(place) : '';
        return target === '' || target === '*' || known.includes(target)
          ? []
          : [{ path: ['classes', id, list, i], message: `there is no target ${JSON.stringify(target)}${knownNames(target, known)}` }];
      });
    }),
  );
}

/** Finds columns of targets that have fields, and fields of targets that have columns. */
function misplaced({ targets, classes }: RawConfig, protocols: readonly Protocol[]): Problem[] {
  return Object.entries(classes).flatMap(([id, dataClass]) =>
    placeKinds.flatMap((list) =>
      dataClass[list].flatMap((place, i) => {
        const target = targetOf(place);
        const protocol = protocols.find((each) => each.id === targets[target]?.protocol);
        return protocol === undefined || protocol.valuePlaces === list
          ? []
          : [
              {
                path: ['classes', id, list, i],
                message: `${target} is a target of ${protocol.title}: its values are named under ${protocol.valuePlaces}, as ${placeForms[protocol.valuePlaces]}`,
              },
            ];
      }),
    ),
  );
}

/** Returns the name of the target in the place of a value. */
function targetOf(place: string): string {
  return /^[^/:]*/.exec(place)?.[0] ?? '';
}

/** Finds data classes that are named and do not exist, and those that name themselves, by way of others too. */
function unknownClasses(written: unknown): Problem[] {
  const { targets, classes } = asRecord(written);
  const known = new Set([...builtInNames, ...Object.keys(asRecord(classes))]);
  const within = (name: string): readonly unknown[] => {
    const named = asRecord(asRecord(classes)[name])['classes'];
    return Array.isArray(named) ? named : [];
  };
  const unknown = (section: string, id: string, list: string, named: unknown): Problem[] =>
    (Array.isArray(named) ? named : []).flatMap((name, i) => {
      if (typeof name !== 'string') {
        return [];
      }
      if (section === 'classes' && reaches(name, id, within)) {
        const way = name === id ? '' : ` by way of ${JSON.stringify(name)}`;
        return [{ path: [section, id, list, i], message: `the class ${JSON.stringify(id)} names itself${way}: name the classes whose values are of it too` }];
      }
      if (known.has(name)) {
        return [];
      }
      const meant = suggest(name, [...known]);
      const hint = meant === null ? 'countersign class list names the built-in ones' : `is ${meant} meant?`;
      return [{ path: [section, id, list, i], message: `there is no class ${JSON.stringify(name)}: ${hint}` }];
    });
  return [
    ...Object.entries(asRecord(targets)).flatMap(([id, target]) => unknown('targets', id, 'inspect', asRecord(target)['inspect'])),
    ...Object.entries(asRecord(classes)).flatMap(([id, dataClass]) => unknown('classes', id, 'classes', asRecord(dataClass)['classes'])),
  ];
}

/** True if a class is another one, or has it within it, at whatever depth. */
function reaches(name: string, wanted: string, within: (name: string) => readonly unknown[]): boolean {
  const found = new Set([name]);
  for (const each of found) {
    for (const inner of within(each)) {
      if (typeof inner === 'string') {
        found.add(inner);
      }
    }
  }
  return found.has(wanted);
}

/** Kinds of sinks that follow the record and take no notices. */
const followingKinds: ReadonlySet<string> = new Set(['ocsf', 'syslog', 'otlp', 's3']);

/** Finds sinks that are named for notices and do not exist, or take none. */
function wrongSinks(written: unknown): Problem[] {
  const { sinks, approvals, alerts } = asRecord(written);
  const faultOfName = (name: string): string | null => {
    if (!Object.hasOwn(asRecord(sinks), name)) {
      return `there is no sink ${JSON.stringify(name)}${knownNames(name, Object.keys(asRecord(sinks)))}`;
    }
    return Object.keys(asRecord(asRecord(sinks)[name])).some((kind) => followingKinds.has(kind))
      ? `${name} gets what is recorded, alerts and approvals too, and no notices: leave it out here`
      : null;
  };
  const wrong = (named: unknown, path: readonly PropertyKey[]): Problem[] =>
    (Array.isArray(named) ? named : []).flatMap((name, i) => {
      const message = typeof name === 'string' ? faultOfName(name) : null;
      return message === null ? [] : [{ path: [...path, i], message }];
    });
  return [
    ...wrong(asRecord(approvals)['notify'], ['approvals', 'notify']),
    ...Object.entries(asRecord(alerts)).flatMap(([rule, settings]) => wrong(asRecord(settings)['to'], ['alerts', rule, 'to'])),
  ];
}

/** Finds names in the settings of reviews that stand for nothing. */
function faultsOfReviews(written: unknown): Problem[] {
  const { reviews, principals, targets } = asRecord(written);
  const { as, target } = asRecord(asRecord(reviews)['model']);
  const missing = (name: unknown, member: 'as' | 'target', known: unknown): Problem[] =>
    typeof name !== 'string' || Object.hasOwn(asRecord(known), name)
      ? []
      : [
          {
            path: ['reviews', 'model', member],
            message: `there is no ${member === 'as' ? 'principal' : 'target'} ${JSON.stringify(name)}${knownNames(name, Object.keys(asRecord(known)))}`,
          },
        ];
  return [...missing(as, 'as', principals), ...missing(target, 'target', targets)];
}

/** Finds rules without a query or with one that cannot be read, names of fields that do not exist, and rules to switch off that do not exist. */
function faultsOfAlerts(written: unknown): Problem[] {
  return Object.entries(asRecord(asRecord(written)['alerts'])).flatMap(([rule, settings]): Problem[] => {
    const isBuiltIn = Object.hasOwn(builtInAlerts, rule);
    const { query, by } = asRecord(settings);
    const path = ['alerts', rule];
    if (!isBuiltIn && (settings === false || query === undefined)) {
      const hint = knownNames(rule, Object.keys(builtInAlerts));
      return [
        {
          path,
          at: 'key',
          message:
            settings === false
              ? `there is no built-in rule ${JSON.stringify(rule)}${hint}`
              : `a rule needs a query; built-in ones are changed by their names${hint}`,
        },
      ];
    }
    const fields = typeof by === 'string' ? [by] : Array.isArray(by) ? by : [];
    return [
      ...(typeof query === 'string' ? faultsOfQuery(query, [...path, 'query']) : []),
      ...fields.flatMap((field) => (typeof field === 'string' ? faultOfQuery(field, parseField, [...path, 'by']) : [])),
    ];
  });
}

/** Finds what is wrong with a query over what is recorded from now on. */
function faultsOfQuery(query: string, path: readonly PropertyKey[]): Problem[] {
  const faults = faultOfQuery(query, (text) => parseQuery(text, 0), path);
  return faults.length === 0 && termsOf(parseQuery(query, 0)).some(({ field }) => field === specialFields.time)
    ? [{ path, message: 'the query is about what is recorded from now on: leave times out' }]
    : faults;
}

function faultOfQuery(text: string, parse: (text: string) => unknown, path: readonly PropertyKey[]): Problem[] {
  try {
    parse(text);
    return [];
  } catch (error) {
    if (error instanceof UnreadableQuery) {
      const { at, message } = error.place;
      return [{ path, message: `${message} (character ${at + 1} of ${JSON.stringify(text)})` }];
    }
    throw error;
  }
}

/** Returns the fault of a secret's value; null if it has none, or cannot be read, which is a fault of its own. */
function faultOf(read: SecretReader, fault: (value: string) => string | null): string | null {
  try {
    return fault(read());
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object has string keys; of what the values are nothing is claimed
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function openStore({ url, password, key, caFile, tls, stale }: RawSharedStore, base: string, openSecret: OpenSecret): StoreConfig {
  const open = (source: typeof key): SecretReader => openSecret(source, () => undefined);
  const readUrl = typeof url === 'string' ? () => url : open(url);
  const readPassword = password === undefined ? null : open(password);
  return {
    settings: () => {
      const address = parseStoreUrl(readUrl());
      const isHere = address.host === 'localhost' || isLoopback(address.host);
      const isEncrypted = tls === undefined ? !isHere || caFile !== undefined : tls === 'verify-full';
      return {
        ...address,
        ...(readPassword === null ? {} : { password: readPassword() }),
        tls: isEncrypted ? { caFile: caFile === undefined ? null : resolve(base, caFile) } : null,
      };
    },
    key: open(key),
    staleMs: durationMs(stale),
  };
}

function openStorage({ keepLocal, behind, ...raw }: RawObjectStorage, base: string, environment: NodeJS.ProcessEnv): StorageSettings {
  return {
    bucket: raw.bucket,
    region: raw.region,
    endpoint: raw.endpoint ?? null,
    prefix: raw.prefix,
    caFile: raw.caFile === undefined ? null : resolve(base, raw.caFile),
    ...openAwsKey(raw, base, environment),
    lock: raw.lock ?? null,
    keepLocal: { days: keepLocal.days ?? null, bytes: keepLocal.bytes ?? null },
    behindMs: durationMs(behind),
  };
}

function openRoot(raw: RawRootProvider, base: string, environment: NodeJS.ProcessEnv): RootSettings {
  const caFile = raw.caFile === undefined ? null : resolve(base, raw.caFile);
  if (raw.vault !== undefined && raw.token !== undefined) {
    return { kind: 'vault', url: raw.vault, token: resolveSecret(raw.token, base), caFile };
  }
  const { 'aws-kms': arn, pkcs11, endpoint = null } = raw;
  if (arn !== undefined) {
    return { kind: 'aws-kms', arn, region: arn.split(':')[3] ?? '', endpoint, caFile, ...openAwsKey(raw, base, environment) };
  }
  if (pkcs11 !== undefined) {
    const { module, token, key, pin } = pkcs11;
    return { kind: 'pkcs11', module: resolve(base, module), token, key, pin: resolveSecret(pin, base) };
  }
  return { kind: 'local', key: raw.file === undefined ? { env: raw.env ?? '' } : { file: resolve(base, raw.file) } };
}

/** Returns where the credentials of a provider are. */
function secretsOf(settings: RootSettings): readonly SecretSource[] {
  switch (settings.kind) {
    case 'local':
      return [settings.key];
    case 'vault':
      return [settings.token];
    case 'pkcs11':
      return [settings.pin];
    default:
      return [settings.accessKeyId, settings.secretAccessKey, ...(settings.sessionToken === null ? [] : [settings.sessionToken])];
  }
}

interface RawAwsKey {
  readonly accessKeyId?: SecretSource | undefined;
  readonly secretAccessKey?: SecretSource | undefined;
  readonly sessionToken?: SecretSource | undefined;
}

/** Returns where an access key is: where the file says, else in the variables that all tools for AWS read. */
function openAwsKey(
  raw: RawAwsKey,
  base: string,
  environment: NodeJS.ProcessEnv,
): { readonly accessKeyId: SecretSource; readonly secretAccessKey: SecretSource; readonly sessionToken: SecretSource | null } {
  const secretAt = (source: SecretSource | undefined, variable: string): SecretSource =>
    source === undefined ? { env: variable } : resolveSecret(source, base);
  const isTemporary = raw.sessionToken !== undefined || (raw.secretAccessKey === undefined && environment['AWS_SESSION_TOKEN'] !== undefined);
  return {
    accessKeyId: secretAt(raw.accessKeyId, 'AWS_ACCESS_KEY_ID'),
    secretAccessKey: secretAt(raw.secretAccessKey, 'AWS_SECRET_ACCESS_KEY'),
    sessionToken: isTemporary ? secretAt(raw.sessionToken, 'AWS_SESSION_TOKEN') : null,
  };
}

interface BuildContext extends ParseContext {
  readonly base: string;
  readonly files: Config['files'];
  readonly openSecret: OpenSecret;
  readonly source: Source;
  readonly text: string;
}

function build(raw: RawConfig, { file, base, files, openSecret, source, text, environment }: BuildContext): Config {
  const listen = Object.entries({ ...defaultListen, ...raw.listen }).flatMap(([id, address]) =>
    address === undefined ? [] : [[id, parseAddress(address)] as const],
  );
  return Object.freeze({
    file,
    files,
    sha256: createHash('sha256').update(text).digest('hex'),
    data: resolve(base, raw.data),
    listen: new Map(listen),
    tls:
      raw.tls === undefined
        ? null
        : {
            certFile: resolve(base, raw.tls.cert),
            keyFile: resolve(base, raw.tls.key),
            clientsFile: raw.tls.clients === undefined ? null : resolve(base, raw.tls.clients),
          },
    store: raw.store === undefined ? null : openStore(raw.store.postgres, base, openSecret),
    storage: raw.storage === undefined ? null : openStorage(raw.storage.s3, base, environment),
    keys: {
      root: raw.keys.root === undefined ? null : openRoot(raw.keys.root, base, environment),
      previous: raw.keys.previous === undefined ? null : openRoot(raw.keys.previous, base, environment),
      escrow: raw.keys.escrow,
      staleMs: durationMs(raw.keys.stale),
    },
    targets: new Map(Object.entries(raw.targets).map(([name, target]) => [name, { name, ...target }])),
    places: new Map(Object.keys(raw.targets).map((name) => [name, placeOf(source, ['targets', name, 'url'])])),
    principals: new Map(Object.entries(raw.principals).map(([id, principal]) => [id, openPrincipal(id, principal, raw.groups)])),
    subjects: new Map(
      Object.entries(raw.principals).flatMap(([id, { issuer, subject }]) =>
        issuer === undefined || subject === undefined ? [] : [[subjectKey(issuer, subject), id] as const],
      ),
    ),
    certificates: new Map(
      Object.entries(raw.principals).flatMap(([id, { certificate = {}, sshKeys, sshCertificates }]) =>
        [...namesOfCertificate(certificate), ...namesOfKeys(sshKeys), ...namesOfSshCertificates(sshCertificates)].map((each) => [each, id] as const),
      ),
    ),
    groups: new Map(
      Object.entries({ ...groupsOfRoles(raw), ...raw.groups }).map(([name, { targets, issuers }]): [string, Group] => [
        name,
        { targets, issuers: issuers ?? Object.keys(raw.identity.issuers) },
      ]),
    ),
    roles: Object.entries(raw.roles).map(([name, role]) => openRole(name, role)),
    issuers: new Map(Object.entries(raw.identity.issuers).map(([name, issuer]) => [name, openIssuer({ name, base, openSecret }, issuer)])),
    browser: {
      url: raw.identity.browser.url ?? null,
      idleMs: durationMs(raw.identity.browser.idle),
      ageMs: durationMs(raw.identity.browser.age),
    },
    fresh: new Map(
      freshActs.flatMap((act) => {
        const { [act]: written } = raw.identity.fresh;
        return written === undefined ? [] : [[act, durationMs(written)] as const];
      }),
    ),
    policies: raw.policies === undefined ? null : resolve(base, raw.policies),
    savesPolicies: raw.savePolicies,
    approvals: {
      waitMs: durationMs(raw.approvals.wait),
      mode: raw.approvals.mode ?? null,
      notify: raw.approvals.notify,
      link: raw.approvals.link ?? null,
    },
    reviewModel: openReviewModel(raw.reviews.model),
    alerts: new Map(Object.entries({ ...builtInAlerts, ...raw.alerts }).flatMap(([name]) => openRule(name, raw.alerts[name] ?? {}))),
    sinks: new Map(Object.entries(raw.sinks).map(([name, sink]) => [name, openSink({ name, base, openSecret }, sink)])),
    classes: new Map(
      Object.entries(raw.classes).map(([name, { pattern, words, columns, fields, classes }]) => [
        name,
        { name, columns, fields, classes, pattern: pattern ?? null, words: words === undefined ? [] : readWords(resolve(base, words)) },
      ]),
    ),
    guardedClasses: guardedClasses(raw.classes),
    retention: raw.retention,
    reconcile: new Map(
      Object.entries(raw.reconcile).map(([name, { usage: provider, key, url = usageProviders[provider], project = null }]) => [
        name,
        { provider, url, project, key: openSecret(key, () => undefined) },
      ]),
    ),
    witnesses: openWitnesses(raw.witnesses, base),
    timestamps: openTimestamps(raw.timestamps, base),
    limits: overrideLimits(raw.limits),
    atStart: new Map(startSections.map((section) => [section, JSON.stringify(raw[section]) ?? ''])),
  });
}

function openWitnesses(raw: RawConfig['witnesses'], base: string): WitnessConfig | null {
  const policy = raw === undefined ? null : readWitnessPolicy(resolve(base, raw.policy), () => undefined);
  return raw === undefined || policy === null
    ? null
    : { policy, caFile: raw.caFile === undefined ? null : resolve(base, raw.caFile), lostMs: durationMs(raw.lost) };
}

function openTimestamps(raw: RawConfig['timestamps'], base: string): TimestampConfig | null {
  return raw === undefined
    ? null
    : {
        url: raw.rfc3161,
        caFile: raw.caFile === undefined ? null : resolve(base, raw.caFile),
        trusted: raw.authorities === undefined ? null : readAuthorities(resolve(base, raw.authorities), () => undefined),
        everyMs: durationMs(raw.every),
        lostMs: durationMs(raw.lost),
      };
}

function openReviewModel(raw: RawConfig['reviews']['model']): ReviewModel | null {
  if (raw === undefined) {
    return null;
  }
  const { every, ...model } = raw;
  return { ...model, everyMs: durationMs(every) };
}

/** Returns the classes of which nobody reads content alone, with those whose values are of them too. */
function guardedClasses(classes: RawConfig['classes']): readonly string[] {
  const guarded = new Set(Object.entries(classes).flatMap(([name, { twoPersons }]) => (twoPersons ? [name] : [])));
  for (const name of guarded) {
    for (const inner of Object.hasOwn(classes, name) ? (classes[name]?.classes ?? []) : []) {
      guarded.add(inner);
    }
  }
  return [...guarded];
}

/**
 * Returns the groups that only roles name, for tokens of the only issuer. Groups of principals of the file, and of local administrators, are not among them:
 * an issuer that happens to have one of the same name makes nobody a member.
 */
function groupsOfRoles({ roles, principals, identity }: RawConfig): RawConfig['groups'] {
  const own = new Set(['admins', ...Object.values(principals).flatMap(({ groups }) => groups)]);
  const named = Object.keys(identity.issuers).length === 1 ? Object.values(roles).flatMap(({ groups }) => groups) : [];
  return Object.fromEntries(named.filter((group) => !own.has(group)).map((group) => [group, { targets: [] }]));
}

/** Returns a principal with the targets that are granted to it, and to its groups. */
function openPrincipal(id: string, { kind = 'human', groups, targets }: RawConfig['principals'][string], known: RawConfig['groups']): Principal {
  return {
    id,
    kind,
    groups,
    targets: [...new Set([...targets, ...groups.flatMap((group) => (Object.hasOwn(known, group) ? (known[group]?.targets ?? []) : []))])],
  };
}

/** Returns a rule with what the file says of it, and otherwise as it is built in. Nothing if the file switches it off. */
function openRule(name: string, raw: RawConfig['alerts'][string]): (readonly [string, AlertRule])[] {
  if (raw === false) {
    return [];
  }
  const { title: _, ...builtIn } = builtInAlerts[name] ?? { title: '', query: '', by: [], severity: 'medium' as const };
  const { query, count, window, by, severity, outside, unseen, to } = raw;
  const said = {
    query,
    count,
    windowMs: window === undefined ? undefined : durationMs(window),
    by: typeof by === 'string' ? [by] : by,
    severity,
    outside: outside === undefined ? undefined : parseWorkingHours(outside),
    unseenMs: unseen === undefined ? undefined : durationMs(unseen),
    to,
  };
  // Only entries with a value are left, and each has the type that the rule has for it.
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as Partial<AlertRule>;
  return [[name, { ...ruleDefaults, ...builtIn, ...given, name }]];
}

function openIssuer({ name, base, openSecret }: NamedContext, raw: RawConfig['identity']['issuers'][string]): Issuer {
  const { url, clientId, clientSecret, scim, audience, scope, groups, principal, caFile } = raw;
  return {
    name,
    url,
    clientId,
    clientSecret: clientSecret === undefined ? null : openSecret(clientSecret, () => undefined),
    scim: scim === undefined ? null : openSecret(scim, () => undefined),
    audience,
    scope,
    groups: groups ?? null,
    principal,
    ...(caFile === undefined ? {} : { caFile: resolve(base, caFile) }),
  };
}

interface NamedContext extends Pick<BuildContext, 'base' | 'openSecret'> {
  readonly name: string;
}

function openSink({ name, base, openSecret }: NamedContext, raw: RawConfig['sinks'][string]): Sink {
  const { webhook, secret, slack, smtp, text, query = null } = raw;
  const open = (source: typeof secret): SecretReader => (source === undefined ? () => '' : openSecret(source, () => undefined));
  const caFile = raw.caFile === undefined ? null : resolve(base, raw.caFile);
  const named = { name, text, ...(caFile === null ? {} : { caFile }) };
  if (webhook !== undefined) {
    return { ...named, kind: 'webhook', url: webhook, secret: open(secret) };
  }
  if (slack !== undefined) {
    return { ...named, kind: 'slack', url: open(slack) };
  }
  if (smtp !== undefined) {
    return { ...named, ...smtp, kind: 'smtp', secret: secret === undefined ? null : open(secret) };
  }
  const facts = { name, text, query, caFile };
  const settings = (): StreamSettings => streamSettings(raw, facts, base, withoutFailure(open(secret)));
  return { name, kind: kindOfStream(raw), settings };
}

/** Reads a secret. One that cannot be read now is empty, so that its receiver refuses it, which is told, and not that it gets nothing. */
function withoutFailure(read: SecretReader): SecretReader {
  return () => {
    try {
      return read();
    } catch (error) {
      if (error instanceof GatewayError) {
        return '';
      }
      throw error;
    }
  };
}

function kindOfStream({ ocsf, syslog, otlp }: RawConfig['sinks'][string]): StreamSettings['kind'] {
  return ocsf !== undefined ? 'ocsf' : syslog !== undefined ? 'syslog' : otlp !== undefined ? 'otlp' : 's3';
}

function streamSettings(
  { ocsf, syslog, otlp, s3, secret }: RawConfig['sinks'][string],
  facts: StreamFacts,
  base: string,
  readSecret: SecretReader,
): StreamSettings {
  if (ocsf !== undefined) {
    return { ...facts, kind: 'ocsf', file: resolve(base, ocsf.file) };
  }
  if (syslog !== undefined) {
    const { hostname, port } = new URL(syslog.replace(/^tls:/i, 'https:'));
    return { ...facts, kind: 'syslog', host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || syslogPort) };
  }
  if (otlp !== undefined) {
    return { ...facts, kind: 'otlp', url: otlp, authorization: secret === undefined ? null : readSecret() };
  }
  const { url = '', region = '', accessKeyId = '' } = s3 ?? {};
  return { ...facts, kind: 's3', url, region, accessKeyId, secretAccessKey: readSecret() };
}

/** The port of syslog over TLS: https://www.rfc-editor.org/rfc/rfc5425#section-4.1 */
const syslogPort = 6514;

function overrideLimits(given: RawConfig['limits']): Limits {
  // Only entries with a value are left, and the schema allows only names of limits.
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<Limits>;
  return { ...defaultLimits, ...set };
}
