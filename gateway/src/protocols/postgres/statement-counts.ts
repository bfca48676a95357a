import { z } from 'zod';
import type { Counting, CountsReading, TargetPlace } from '../../domain/counting.ts';
import { GatewayError } from '../../domain/errors.ts';
import { simpleQuery } from './compose.ts';
import { readFirstColumns } from './first-columns.ts';
import { catalogueQuery } from './guard/catalogue-query.ts';
import { loadParser, type SqlParser } from './guard/parser.ts';
import { PacketReader } from './packet-reader.ts';
import { namesOf } from './statement-names.ts';
import { StatementTally, unreadName } from './statement-tally.ts';
import { logIn } from './upstream.ts';

/** The longest time, most statements and most bytes of an answer. */
const readMs = 30_000;
const rowsMax = 60_000;
const rowBytesMax = 1024 * 1024;
const totalBytesMax = 64 * 1024 * 1024;
/** Most characters of a statement that are shown. */
const shownMax = 1000;

/** The calls of the role of the gateway in its database, of statements that clients sent. The first row says since when they are counted, and how often some were forgotten. */
const question = `SELECT json_build_object('life', stats_reset::text || ' ' || dealloc::text)::text FROM pg_stat_statements_info UNION ALL SELECT json_build_object('calls', s.calls, 'text', left(s.query, 100000))::text FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid JOIN pg_database d ON d.oid = s.dbid WHERE r.rolname = current_user AND d.datname = current_database() AND s.toplevel`;

/** Counts statements as the extension pg_stat_statements does: by their form, without the values in them. */
export class StatementCounting implements Counting {
  #parser: Promise<SqlParser> | null = null;

  async read(place: TargetPlace): Promise<CountsReading> {
    const rows = await ask(place);
    const parser = await this.#load();
    const own = new Set([question, catalogueQuery].flatMap((text) => namesOf(parser, text) ?? []));
    const counts = new Map<string, number>();
    const texts = new Map<string, string>();
    let life = '';
    for (const row of rows) {
      if ('life' in row) {
        life = row.life;
        continue;
      }
      const [name] = (row.text === null ? null : namesOf(parser, row.text)) ?? [unreadName];
      if (typeof name === 'string' && !own.has(name)) {
        counts.set(name, (counts.get(name) ?? 0) + row.calls);
        texts.set(name, texts.get(name) ?? (row.text ?? '').slice(0, shownMax));
      }
    }
    return { life, counts, texts };
  }

  async tally(pending: readonly string[]): Promise<StatementTally> {
    return new StatementTally(await this.#load(), pending);
  }

  async #load(): Promise<SqlParser> {
    this.#parser ??= loadParser();
    return this.#parser;
  }
}

/** Has the forms of the rows of the answer. The extension gives no texts while it cannot read its file of them. */
const rowForm = z.union([z.strictObject({ life: z.string() }), z.strictObject({ calls: z.int().min(0), text: z.string().nullable() })]);

type Row = z.output<typeof rowForm>;

async function ask(place: TargetPlace): Promise<readonly Row[]> {
  const { upstream } = await logIn(place, { database: '', settings: new Map([['application_name', 'countersign']]) });
  try {
    upstream.greet(simpleQuery(question));
    const reader = new PacketReader(upstream, { messageBytesMax: rowBytesMax, totalBytesMax, deadlineMs: performance.now() + readMs });
    const answer = await readFirstColumns(reader, rowsMax);
    if (answer === null) {
      throw new GatewayError(
        'unsupported',
        `The target ${place.target.name} does not say what it counts: it needs the extension pg_stat_statements, of PostgreSQL 14 or later, in the database and the search path of the gateway's role (docs/reconcile.md).`,
      );
    }
    return answer.texts.map((text) => readRow(text, place.target.name));
  } finally {
    upstream.destroy();
  }
}

/** The target may be anything that speaks PostgreSQL. Throws GatewayError `unsupported`. */
function readRow(text: string, target: string): Row {
  try {
    return rowForm.parse(JSON.parse(text));
  } catch (cause) {
    throw new GatewayError('unsupported', `What the target ${target} counts has another form than the extension pg_stat_statements gives it.`, { cause });
  }
}
