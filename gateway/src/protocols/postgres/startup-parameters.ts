import { GatewayError } from '../../domain/errors.ts';

/**
 * What is not said at startup, in no spelling. The first four are no settings there, and a setting must never pass for one of them; `role` and `session_authorization`
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
 * What the client is called, how values look and which notices it wants. Drivers say these at each connection, and the record of the connection holds them: a record of
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

/** Each of their elements is an identifier: SET takes them one by one. */
const listsOfNames: ReadonlySet<string> = new Set(['search_path', 'temp_tablespaces']);

/** As PostgreSQL's own, in ASCII: what is not spelled so is none of its settings. */
const settingName = /^[a-z_][a-z0-9_$]*(?:\.[a-z_][a-z0-9_$]*)*$/;

export interface StartupRequest {
  readonly user: string;
  /** As given: `TARGET` or `TARGET/DATABASE`. */
  readonly database: string;
  /** For the target, each a parameter of its own: nothing is passed on as an option string. */
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
    // As in PostgreSQL, a parameter of its own wins over the same in `options`.
    settings: new Map([...fromOptions, ...given]),
    unknownOptions,
  };
}

/** What the settings of a startup packet do, as statements that are never executed: PostgreSQL gets the settings as they are. Null where there are none. */
export interface SettingStatements {
  /** Those that the record of the connection is enough for. */
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

/** As PostgreSQL's SplitIdentifierString, except that what it would not take is passed as it is. */
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

/** As PostgreSQL's pg_split_opts: separated by white space, a backslash takes the next character as it is. */
function splitWords(text: string): string[] {
  const words = text.match(/(?:\\[^]|[^\\\s])+/g) ?? [];
  return words.map((word) => word.replace(/\\([^])/g, '$1'));
}
