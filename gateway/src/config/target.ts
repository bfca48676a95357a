import type { Protocol } from '../domain/protocol.ts';
import { GatewayError } from '../domain/errors.ts';
import { parseOptions } from '../domain/options.ts';
import type { TargetCommand } from '../domain/target.ts';
import type { RawTarget, UnnamedTarget, Wrong } from './schema.ts';
import type { FindPath } from './paths.ts';
import type { OpenSecret } from './secret.ts';

export interface TargetContext {
  readonly protocols: readonly Protocol[];
  readonly openSecret: OpenSecret;
  readonly findPath: FindPath;
}

/** Parses a target of the configuration. Null if something is wrong with it, which was then reported. */
export function parseTarget(raw: RawTarget, context: TargetContext, wrong: Wrong): UnnamedTarget | null {
  const address = findAddress(raw, context, wrong);
  const protocol = findProtocol(raw, address?.scheme ?? null, context.protocols, wrong);
  if (address === null || protocol === null) {
    return null;
  }
  const scheme = address.command === undefined ? (address.scheme ?? Object.keys(protocol.schemes)[0] ?? '') : '';
  try {
    return {
      protocol: protocol.id,
      host: address.host,
      scheme,
      port: address.port ?? protocol.schemes[scheme] ?? 0,
      path: address.path,
      user: raw.user ?? address.user,
      durability: raw.durability,
      ...(raw.tags === undefined ? {} : { tags: raw.tags }),
      ...(raw.inspect === undefined || raw.inspect.length === 0 ? {} : { inspect: [...new Set(raw.inspect)] }),
      ...(raw.mode === undefined ? {} : { mode: raw.mode }),
      options: withPaths(parseOptions(protocol.options, { ...address.options, ...raw.options }), protocol.fileOptions ?? [], (name, written) =>
        context.findPath(written, (message) => (Object.hasOwn(raw.options, name) ? wrong('options', message, name) : wrong('url', `${name}: ${message}`))),
      ),
      ...(address.command === undefined ? {} : { command: address.command }),
      ...(raw.password === undefined ? {} : { password: context.openSecret(raw.password, (message) => wrong('password', message)) }),
    };
  } catch (error) {
    if (error instanceof GatewayError) {
      return wrong(raw.url === undefined || Object.keys(raw.options).length > 0 ? 'options' : 'url', error.message);
    }
    throw error;
  }
}

/** Returns options with the paths of files as `findPath` gives them. */
function withPaths(
  options: Readonly<Record<string, unknown>>,
  files: readonly string[],
  findPath: (name: string, written: string) => string,
): Readonly<Record<string, unknown>> {
  const paths = files.flatMap((name) => {
    const written = options[name];
    return typeof written === 'string' ? [[name, findPath(name, written)] as const] : [];
  });
  return { ...options, ...Object.fromEntries(paths) };
}

/** The address of a target, as the configuration states it. */
interface TargetAddress {
  readonly scheme: string | null;
  readonly host: string;
  readonly port: number | null;
  readonly path: string;
  readonly user: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly command?: TargetCommand;
}

function findAddress(raw: RawTarget, context: TargetContext, wrong: Wrong): TargetAddress | null {
  if (raw.command === undefined) {
    for (const field of ['environment', 'directory'] as const) {
      if (raw[field] !== undefined) {
        return wrong(field, 'only a target with a command has this');
      }
    }
    return raw.url === undefined ? parseHost(raw, wrong) : parseUrl(raw.url, raw, wrong);
  }
  const command = parseCommand(raw.command, raw, { ...context, wrong });
  return command === null ? null : { scheme: null, host: '', port: null, path: '', user: '', options: {}, command };
}

function parseHost(raw: RawTarget, wrong: Wrong): TargetAddress | null {
  if (raw.host === undefined) {
    return wrong('url', 'a url like SCHEME://USER@HOST:PORT/PATH is missing (or host, port, user, path and protocol; or command)');
  }
  return { scheme: null, host: raw.host, port: raw.port ?? null, path: raw.path ?? '', user: '', options: {} };
}

function parseUrl(text: string, raw: RawTarget, wrong: Wrong): TargetAddress | null {
  for (const field of ['host', 'port', 'path'] as const) {
    if (raw[field] !== undefined) {
      return wrong(field, 'the url says this already: give one or the other');
    }
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  const [path, user] = [decode(url?.pathname.slice(1) ?? ''), decode(url?.username ?? '')];
  if (url === null || url.hostname === '' || url.hash !== '' || path === null || user === null) {
    return wrong('url', 'this is no URL like SCHEME://USER@HOST:PORT/PATH');
  }
  if (url.password !== '') {
    return wrong('url', 'a password is not written here: give password: { env: VARIABLE } or { file: PATH }');
  }
  if (raw.user !== undefined && user !== '') {
    return wrong('user', 'the url says this already: give one or the other');
  }
  return {
    scheme: url.protocol.slice(0, -1),
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? null : Number(url.port),
    path,
    user,
    options: Object.fromEntries(url.searchParams),
  };
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function findProtocol(raw: RawTarget, scheme: string | null, protocols: readonly Protocol[], wrong: Wrong): Protocol | null {
  if (raw.protocol !== undefined) {
    const named = protocols.find(({ id }) => id === raw.protocol);
    if (named === undefined) {
      return wrong('protocol', `there is no such protocol; known are ${protocols.map(({ id }) => id).join(', ')}`);
    }
    if (raw.command !== undefined && named.takesCommand !== true) {
      return wrong('command', `a target of ${named.id} is no program: give a url`);
    }
    return scheme === null || scheme in named.schemes ? named : wrong('url', `${named.id} takes ${Object.keys(named.schemes).join('://, ')}://`);
  }
  if (raw.command !== undefined) {
    return protocols.find(({ takesCommand }) => takesCommand === true) ?? wrong('command', 'no protocol has targets that are programs');
  }
  if (scheme === null) {
    return raw.host === undefined ? null : wrong('protocol', 'without a url the protocol must be named');
  }
  const meant = protocols.find(({ schemes }) => scheme in schemes);
  return (
    meant ??
    wrong(
      'url',
      `no protocol has the scheme ${scheme}://; known are ${[...new Set(protocols.flatMap(({ schemes }) => Object.keys(schemes)))].join('://, ')}://`,
    )
  );
}

interface CommandContext {
  readonly openSecret: OpenSecret;
  readonly findPath: FindPath;
  readonly wrong: Wrong;
}

/** Parses a target that is a program. Null if something is wrong with it, which was then reported. */
function parseCommand(argv: TargetCommand['argv'], raw: RawTarget, { openSecret, findPath, wrong }: CommandContext): TargetCommand | null {
  for (const field of ['url', 'host', 'port', 'path', 'user', 'password'] as const) {
    if (raw[field] !== undefined) {
      return wrong(field, field === 'password' ? 'a program gets its secrets in its environment' : 'a target has an address or a command, not both');
    }
  }
  const environment = Object.entries(raw.environment ?? {}).map(([name, value]) => [
    name,
    typeof value === 'string' ? () => value : openSecret(value, (message) => wrong('environment', message)),
  ]);
  const directory = findPath(raw.directory ?? '.', (message) => (raw.directory === undefined ? null : wrong('directory', message)));
  return { argv, environment: Object.fromEntries(environment), directory };
}
