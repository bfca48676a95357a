import type pg from 'pg';
import type { AskedShape } from '../../../../../tests/support/contract.ts';
import { simpleQuery, sync } from '../compose.ts';
import { int16, int32, message, openPlain, Talk } from './talk.ts';

/** Makes the types, tables and functions of the shapes. */
const setup = `create schema shapes;
create domain shapes.word as text;
create type shapes.named as (id int, said text, more text[]);
create type shapes.span as range (subtype = text, collation = "C");
create table shapes.kept (said text);
create function shapes.says(text) returns text language sql as 'select $1';
create function shapes.raises(text) returns int language plpgsql as $$ begin raise exception 'no: %', $1 using detail = $1, hint = $1, column = $1, constraint = $1, datatype = $1, table = $1, schema = $1; end $$;
select 'shapes.says'::regproc::oid as oid`;

/** Most characters of a name. */
const nameMax = 60;
const text = 0;
const binary = 1;
const parse = (sql: string): Buffer => message('P', Buffer.from(`\0${sql}\0`), int16(0));
const execute = (rows: number): Buffer => message('E', Buffer.from('\0'), int32(rows));
/** Parse, Bind and Execute of a statement, with its values in this format; `rows`: in pieces of so many. */
const extended = (sql: string, format: number, rows = 0): Buffer =>
  Buffer.concat([
    parse(sql),
    message('B', Buffer.from('\0\0'), int16(0), int16(0), int16(1), int16(format)),
    message('D', Buffer.from('P\0')),
    ...(rows === 0 ? [execute(0)] : [execute(rows), execute(rows)]),
    sync,
  ]);
const quoted = (words: string): string => `'${words}'`;
/** Columns with these words, by the name of their types in the README. */
const typed: Readonly<Record<string, (words: string) => string>> = {
  'text, varchar, char, name, domains': (words) =>
    `${quoted(words)}::text, ${quoted(words)}::varchar, ${quoted(words)}::char(400), ${quoted(words)}::shapes.word`,
  arrays: (words) => `array[${quoted(words)}, 'other'], array[array[${quoted(words)}], array[null]]`,
  'rows of a type, and within an array': (words) =>
    `row(1, ${quoted(words)}, array[${quoted(words)}])::shapes.named, array[row(1, ${quoted(words)}, null)::shapes.named]`,
  'rows of no type': (words) => `row(1, ${quoted(words)}, now())`,
  'json, jsonb': (words) => `json_build_object('to', ${quoted(words)}::text), jsonb_build_array(1, ${quoted(words)}::text)`,
  bytea: (words) => `convert_to(${quoted(words)}, 'UTF8')`,
};

type Ask = (talk: Talk, words: string) => Promise<string>;

const query =
  (sql: (words: string) => string): Ask =>
  async (talk, words) =>
    talk.say(simpleQuery(sql(words)));
const executed =
  (sql: (words: string) => string, format: number, rows = 0): Ask =>
  async (talk, words) =>
    talk.say(extended(sql(words), format, rows));
const copied = (form: string): Ask => query((words) => `copy (select 1, ${quoted(words)}::text union all select 2, ${quoted(words)}) to stdout${form}`);
const called =
  (oid: number, format: number): Ask =>
  async (talk, words) =>
    talk.say(message('F', int32(oid), int16(1), int16(0), int16(1), int32(Buffer.byteLength(words)), Buffer.from(words), int16(format)));

/** Makes the types, tables and functions of the shapes at the server. Returns every shape in which it may answer. */
export async function makeAnswerShapes(target: string, operator: pg.Client): Promise<readonly AskedShape[]> {
  const results: unknown = await operator.query(setup);
  const last: pg.QueryResult<{ readonly oid: number }> | undefined = Array.isArray(results) ? results.at(-1) : undefined;
  const oid = last?.rows[0]?.oid ?? 0;
  const shape = (name: string, outcome: AskedShape['outcome'], ask: Ask, form = ''): AskedShape => ({
    name,
    form,
    outcome,
    ask: async ({ addresses, token }, words) => {
      const talk = await Talk.open(await openPlain({ addresses, token }), { token, target });
      const begun = await ask(talk, words);
      // Notifications, reports of settings and the rest of an error have come when the next statement is answered.
      const bytes = Buffer.from(talk.isEnded ? begun : begun + (await talk.say(simpleQuery('select'))), 'latin1');
      talk.close();
      return {
        bytes,
        text: bytes.toString('latin1').replaceAll(/\\x((?:[\da-f]{2})+)/g, (_found, hex: string) => Buffer.from(hex, 'hex').toString()),
        bodies: null,
      };
    },
  });
  return [
    ...Object.entries(typed).flatMap(([name, columns]) => {
      const sql = (words: string): string => `select 7, ${columns(words)}`;
      return [
        shape(name, 'masked', query(sql), 'simple query'),
        shape(name, 'masked', executed(sql, text), 'extended query, text format'),
        shape(name, 'masked', executed(sql, binary), 'extended query, binary format'),
      ];
    }),
    shape(
      'ranges and multiranges of texts',
      'NULL',
      query((words) => `select shapes.span(${quoted(words)}, null)`),
    ),
    shape(
      'ranges and multiranges of texts',
      'NULL',
      executed((words) => `select shapes.span(${quoted(words)}, null)`, binary),
      'binary format',
    ),
    shape(
      'tsvector, tsquery, jsonpath, trees of expressions, text',
      'NULL',
      query((words) => `select array_to_tsvector(array[${quoted(words)}])`),
    ),
    shape(
      'tsvector, tsquery, jsonpath, trees of expressions, binary',
      'refused',
      executed((words) => `select array_to_tsvector(array[${quoted(words)}])`, binary),
    ),
    shape(
      'several statements',
      'masked',
      query((words) => `select 1; select ${quoted(words)}; select 2`),
    ),
    shape(
      'rows in pieces (Execute with a limit)',
      'masked',
      executed((words) => `select i, ${quoted(words)} from generate_series(1, 3) i`, text, 1),
    ),
    shape(
      'cursors',
      'masked',
      query((words) => `begin; declare c cursor for select ${quoted(words)}; fetch all from c; commit`),
    ),
    shape(
      'EXECUTE',
      'masked',
      query((words) => `prepare p as select ${quoted(words)}; execute p`),
    ),
    shape(
      'RETURNING',
      'masked',
      query((words) => `insert into shapes.kept values (${quoted(words)}) returning said`),
    ),
    shape(
      'EXPLAIN',
      'masked',
      query((words) => `explain (costs off) select from shapes.kept where said = ${quoted(words)}`),
    ),
    shape('COPY as text', 'masked', copied('')),
    shape('COPY as CSV', 'masked', copied(' with (format csv, header)')),
    shape('COPY in binary', 'refused', copied(' with (format binary)')),
    shape(
      'errors of the server',
      'masked',
      query((words) => `select ${quoted(words)}::int`),
    ),
    shape(
      'errors of functions, with detail, hint and names',
      'masked',
      query((words) => `select shapes.raises(${quoted(words)})`),
    ),
    shape(
      'notices',
      'masked',
      query((words) => `do $$ begin raise notice ${quoted('%')}, ${quoted(words)} using detail = ${quoted(words)}; end $$`),
    ),
    shape(
      'notifications',
      'masked',
      query((words) => `listen shaped; notify shaped, ${quoted(words)}`),
    ),
    shape(
      'a setting that the server reports',
      'masked',
      query((words) => `set application_name = ${quoted(words.slice(0, nameMax))}; select ${quoted(words)}`),
    ),
    shape(
      'names of columns',
      'masked',
      query(
        (words) =>
          `begin; do $$ begin execute format('declare named cursor for select %L as %I', ${quoted(words)}, ${quoted(words.slice(0, nameMax))}); end $$; fetch all from named; commit`,
      ),
    ),
    shape('results of a call of a function by its id, text', 'masked', called(oid, text)),
    shape('results of a call of a function that is not PostgreSQL’s own, binary', 'refused', called(oid, binary)),
  ];
}
