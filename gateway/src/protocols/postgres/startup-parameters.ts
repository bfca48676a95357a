import { GatewayError } from '../../domain/errors.ts';

/**
 * Parameters that no client may give at startup, in any spelling. The first four are no settings there, and a setting must never pass for one of them; `role` and `session_authorization`
 * change who the user is before anything is recorded; the others can be said at startup alone, so that no SET would do the same (PgBouncer CVE-2025-12819).
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
 * Settings for the client's name, the look of values and the wanted notices. Drivers send them at each connection, and the record of the connection holds them: a record of
 * their own would only be in the way.
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

/** Settings whose value is a list of identifiers: SET takes the elements one by one. */
const listsOfNames: ReadonlySet<string> = new Set(['search_path', 'temp_tablespaces']);

/** The spelling of PostgreSQL's own setting names, in ASCII. */
const settingName = /^[a-z_][a-z0-9_$]*(?:\.[a-z_][a-z0-9_$]*)*$/;

export interface StartupRequest {
  readonly user: string;
  /** The database as the client gave it: `TARGET` or `TARGET/DATABASE`. */
  readonly database: string;
  /** The settings for the target. Each becomes a parameter of its own: nothing is passed on as an option string. */
  readonly settings: ReadonlyMap<string, string>;
  /** `_pq_.` protocol options: none is known, the client is told. */
  readonly unknownOptions: readonly string[];
}

/** Errors: `refused`, `unsupported`, `malformed`. */
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
  return {
    user: parameters.get('user') ?? '',
    database: parameters.get('database') ?? parameters.get('user') ?? '',
    // As in PostgreSQL, a parameter that is given by itself wins over the same one in `options`.
    settings: new Map([...fromOptions, ...given]),
    unknownOptions,
  };
}

/** The settings of a startup packet as SET statements, for decisions and records; null if there are none. They are never executed: PostgreSQL gets the settings as they are. */
export interface SettingStatements {
  /** Settings of presentation, for which the record of the connection is enough. */
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

/** Reads the same whatever `standard_conforming_strings` says. */
function quote(value: string): string {
  const doubled = value.replaceAll("'", "''");
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

/** Splits a list of names as PostgreSQL's SplitIdentifierString does; a list that PostgreSQL would not accept is passed as it is. */
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

function refuseReplication(value: string): void {
  if (!/^(?:false|off|no|0)$/i.test(value)) {
    throw new GatewayError('unsupported', 'The replication protocol is not spoken here.');
  }
}

/** The command line in `options`: `-c name=value`, `-cname=value` and `--name=value`, nothing else. */
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

/** Splits text into words as PostgreSQL's pg_split_opts does: at white space; a backslash takes the next character as it is. */
function splitWords(text: string): string[] {
  const words = text.match(/(?:\\[^]|[^\\\s])+/g) ?? [];
  return words.map((word) => word.replace(/\\([^])/g, '$1'));
}
