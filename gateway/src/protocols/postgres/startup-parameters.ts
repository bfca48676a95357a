import { GatewayError } from '../../domain/errors.ts';

/**
 * What a client may set by its startup packet. All of them change how values look or how long something may take; none changes which object a name
 * means, who the user is, or how statements are read. `search_path` is not among them: PgBouncer CVE-2025-12819 was a startup parameter reaching
 * statements that others run, and `SET search_path` does the same as a recorded statement.
 */
const allowed: ReadonlySet<string> = new Set([
  'application_name',
  'client_encoding',
  'datestyle',
  'timezone',
  'intervalstyle',
  'extra_float_digits',
  'bytea_output',
  'client_min_messages',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'default_transaction_read_only',
]);

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

function set(settings: Map<string, string>, name: string, value: string): void {
  const known = name.toLowerCase();
  if (!allowed.has(known)) {
    throw new GatewayError(
      'unsupported',
      `The startup parameter ${JSON.stringify(name.slice(0, 64))} is not passed on. Leave it out, or SET it once connected; allowed are ${[...allowed].join(', ')}.`,
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
    const setting = /^(?:-c|--)([A-Za-z][\w.-]*)=(.*)$/s.exec(word);
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
