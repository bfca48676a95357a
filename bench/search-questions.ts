import type { WantedRecords } from '../gateway/src/search/found.ts';

const linesMax = 50;

export interface AnalystQuestion extends Pick<WantedRecords, 'query' | 'answer' | 'limit'> {
  /** A pattern of `grep` over the facts as NDJSON that finds about the same. */
  readonly grep: string;
  /** Statements that ask the table of `search-postgres.ts` for as much: the lines of the answer, and how many records there are. */
  readonly sql: string;
}

const newest = (where: string): string =>
  `SELECT facts FROM facts WHERE ${where} ORDER BY time DESC LIMIT ${linesMax}; SELECT count(*) FROM facts WHERE ${where}`;
const ago = (byMs: number): string => `(extract(epoch FROM now()) * 1000 - ${byMs})::bigint`;

/** The questions of an analyst. */
export const questions: Readonly<Record<string, AnalystQuestion>> = {
  'everything touching a model': {
    query: 'model:gpt-4o* kind:(prompt or output or change) since:90d',
    answer: 'records',
    limit: linesMax,
    grep: '"model":\\["gpt-4o[^"]*"\\].*"kind":\\[[^]]*"(prompt|output|change)"',
    sql: newest(`model LIKE 'gpt-4o%' AND kinds && '{prompt,output,change}' AND time >= ${ago(90 * 86_400_000)}`),
  },
  'who read a table': {
    query: 'table:customers effect:read kind:statement',
    answer: { countBy: 'principal' },
    limit: linesMax,
    grep: '"table-read":\\["public.customers"\\]',
    sql: "SELECT principal, count(*) FROM facts WHERE reads @> '{public.customers}' AND kinds @> '{statement}' GROUP BY principal ORDER BY 2 DESC",
  },
  'sessions that returned a class': {
    query: 'class:card',
    answer: 'sessions',
    limit: linesMax,
    grep: '"class":\\[[^]]*"card"',
    sql: `SELECT session, count(*) FROM facts WHERE classes @> '{card}' GROUP BY session ORDER BY max(time) DESC LIMIT ${linesMax}; SELECT count(*) FROM facts WHERE classes @> '{card}'`,
  },
  'one agent in one hour': {
    query: 'principal:agent-7 time:>=1h',
    answer: 'records',
    limit: linesMax,
    grep: '"principal":\\["agent-7"\\]',
    sql: newest(`principal = 'agent-7' AND time >= ${ago(3_600_000)}`),
  },
  'words in a text': {
    query: '"refund policy" kind:prompt',
    answer: 'records',
    limit: linesMax,
    grep: 'refund policy',
    sql: newest("to_tsvector('simple', text) @@ phraseto_tsquery('simple', 'refund policy') AND kinds @> '{prompt}'"),
  },
};
