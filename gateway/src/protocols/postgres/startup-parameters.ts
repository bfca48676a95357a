import { readHoldMode, type HoldMode } from '../../domain/approval.ts';
import { GatewayError } from '../../domain/errors.ts';

/** The setting in which a client says how it wants to learn the outcome of a held request: `wait` or `return`. The target does not get it. */
const holdSetting = 'countersign.hold';

/**
 * Parameters that no client may set at startup, in any spelling. The first four are not settings, and a setting must never be taken for one of them. `role` and
 * `session_authorization` change the user before anything is recorded. The others can only be set at startup, so no SET would do the same (PgBouncer
 * CVE-2025-12819).
 */
const refused: ReadonlySet<string> = new Set([
  'user',
  'database',
  'options',
  'replication',
  'role',
  'session_authorization',
  'is_superuser',
  'local_preload_libraries',
  'session_preload_libraries',
  'shared_preload_libraries',
  'ignore_system_indexes',
  'post_auth_delay',
  'pre_auth_delay',
  'log_connections',
  'log_disconnections',
  'jit_debugging_support',
  'jit_profiling_support',
]);

/**
 * Settings for the client's name, the format of values and the wanted notices. Drivers send them with each connection. The record of the connection contains
 * them, so further records would only be noise.
 */
const presentation: ReadonlySet<string> = new Set([
  'application_name',
  'client_encoding',
  'client_min_messages',
  'datestyle',
  'timezone',
  'intervalstyle',
  'extra_float_digits',
  'bytea_output',
]);

/** Settings whose value is a list of identifiers. In a SET statement each element is quoted by itself. */
const listsOfNames: ReadonlySet<string> = new Set(['search_path', 'temp_tablespaces']);

/** The spelling of PostgreSQL's own setting names, in ASCII. */
const settingName = /^[a-z_][a-z0-9_$]*(?:\.[a-z_][a-z0-9_$]*)*$/;

export interface StartupRequest {
  readonly user: string;
  /** The database that the client named: `TARGET` or `TARGET/DATABASE`. */
  readonly database: string;
  /** The settings for the target. Each becomes a parameter of its own; no option string is passed on. */
  readonly settings: ReadonlyMap<string, string>;
  /** How the client wants to learn the outcome of a held request. Null: it does not say. */
  readonly hold: HoldMode | null;
  /** Protocol options (`_pq_.`). None is known here, and the client is told so. */
  readonly unknownOptions: readonly string[];
}

/** Reads the parameters of a startup packet. Throws GatewayError `refused`, `unsupported` or `malformed`. */
export function readStartupParameters(parameters: ReadonlyMap<string, string>): StartupRequest {
  const fromOptions = new Map<string, string>();
  const given = new Map<string, string>();
  const unknownOptions: string[] = [];
  for (const [name, value] of parameters) {
    if (name === 'user' || name === 'database') {
      continue;
    }
    if (name.startsWith('_pq_.')) {
      unknownOptions.push(name);
    } else if (name === 'options') {
      readOptions(value, fromOptions);
    } else if (name === 'replication') {
      refuseReplication(value);
    } else {
      set(given, name, value);
    }
  }
  // As in PostgreSQL, a parameter by itself takes precedence over the same one in `options`.
  const settings = new Map([...fromOptions, ...given]);
  const hold = takeHold(settings);
  return {
    user: parameters.get('user') ?? '',
    database: parameters.get('database') ?? parameters.get('user') ?? '',
    settings,
    hold,
    unknownOptions,
  };
}

/**
 * The settings of a startup packet as SET statements, for decisions and records; null if there are none. They are never executed: PostgreSQL gets the settings
 * themselves.
 */
export interface SettingStatements {
  /** The settings of presentation. The record of the connection is enough for them. */
  readonly presentation: string | null;
  readonly others: string | null;
}

export function settingStatements(settings: ReadonlyMap<string, string>): SettingStatements {
  const statements = (isPresentation: boolean): string | null => {
    const chosen = [...settings].filter(([name]) => presentation.has(name) === isPresentation);
    return chosen.length === 0 ? null : chosen.map(([name, value]) => `SET ${name} TO ${valueOf(name, value)}`).join('; ');
  };
  return { presentation: statements(true), others: statements(false) };
}

function valueOf(name: string, value: string): string {
  const values = listsOfNames.has(name) ? splitNames(value) : [value];
  return values.length === 0 ? "''" : values.map(quote).join(', ');
}

/** Quotes a value in a way that does not depend on `standard_conforming_strings`. */
function quote(value: string): string {
  const doubled = value.replaceAll("'", "''");
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

/** Splits a list of names as PostgreSQL's SplitIdentifierString does. A list that PostgreSQL would refuse stays unchanged. */
function splitNames(list: string): string[] {
  const names = list.match(/(?:"(?:[^"]|"")*"|[^",])+/g) ?? [];
  return names.map((name) => {
    const bare = name.trim();
    return /^"(?:[^"]|"")*"$/.test(bare) ? bare.slice(1, -1).replaceAll('""', '"') : bare.toLowerCase();
  });
}

function set(settings: Map<string, string>, name: string, value: string): void {
  const known = name.toLowerCase();
  if (refused.has(known) || !settingName.test(known) || known.startsWith('_pq_')) {
    throw new GatewayError(
      'unsupported',
      `The startup parameter ${JSON.stringify(name.slice(0, 64))} is not passed on. Leave it out; what SET may change can be given here, except for who the user is.`,
    );
  }
  settings.set(known, value);
}

/** Takes the setting that is for the gateway out of the others. Throws GatewayError `unsupported` for a value that is not known. */
function takeHold(settings: Map<string, string>): HoldMode | null {
  const wish = settings.get(holdSetting);
  const hold = readHoldMode(wish ?? '');
  if (wish !== undefined && hold === null) {
    throw new GatewayError('unsupported', `The startup parameter ${holdSetting} is wait or return.`);
  }
  settings.delete(holdSetting);
  return hold;
}

function refuseReplication(value: string): void {
  if (!/^(?:false|off|no|0)$/i.test(value)) {
    throw new GatewayError('unsupported', 'The replication protocol is not spoken here.');
  }
}

/** Reads the command line in `options`: only `-c name=value`, `-cname=value` and `--name=value`. */
function readOptions(text: string, settings: Map<string, string>): void {
  const words = splitWords(text);
  for (let i = 0; i < words.length; i += 1) {
    let word = words[i] ?? '';
    if (word === '-c') {
      i += 1;
      word = `-c${words[i] ?? ''}`;
    }
    const setting = /^(?:-c|--)([A-Za-z_][\w.$-]*)=(.*)$/s.exec(word);
    if (setting === null) {
      throw new GatewayError('unsupported', 'Of the startup parameter "options" only -c name=value is understood.');
    }
    const [, name = '', value = ''] = setting;
    set(settings, name.replaceAll('-', '_'), value);
  }
}

/** Splits a text into words at white space, as PostgreSQL's pg_split_opts does. A backslash makes the next character a part of the word. */
function splitWords(text: string): string[] {
  const words = text.match(/(?:\\[^]|[^\\\s])+/g) ?? [];
  return words.map((word) => word.replace(/\\([^])/g, '$1'));
}
