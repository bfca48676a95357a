import type { Catalogue, Found } from './catalogue.ts';
import { FactsDraft } from './facts.ts';
import { isQuery, QueryLineage, settingSources } from './query-lineage.ts';
import type { SqlParser } from './parser.ts';
import { Reading } from './reading.ts';
import { Names } from './resolve.ts';
import { anyRows, anySource, either, noRows, noSources, sourcesOf, union, type Rowset, type Sources } from './rowset.ts';
import { partsOfSent } from './sent-text.ts';
import { readStatement, readStatements } from './statements.ts';
import { list, ofType, textOf, tree, typed, type Tree } from './tree.ts';

/** The form in which COPY writes rows. */
export interface CopyForm {
  readonly format: 'text' | 'csv' | 'binary';
  readonly delimiter: string;
  readonly null: string;
  readonly quote: string;
  readonly escape: string;
  readonly hasHeader: boolean;
}

/** Where the values of a statement's result come from. */
export interface StatementLineage {
  readonly rows: Rowset;
  /** The columns of which it stores values in the table whose columns it gives back. */
  readonly assigned: Sources;
  /** All that its errors and notices may hold. */
  readonly said: Sources;
  /** True if code of somebody's own runs, which may say anything in any way. */
  readonly runsCode: boolean;
  /** The name of the prepared statement, or of the cursor, of which these are the rows; null: they are its own. */
  readonly executes: string | null;
  readonly fetches: string | null;
  /** The name that the statement gives to what these are the rows of. */
  readonly names: string | null;
  /** Null: it is no COPY to the client. */
  readonly copy: CopyForm | null;
}

/** A statement of which nothing is known. */
export const unknownLineage: StatementLineage = {
  rows: anyRows,
  assigned: noSources,
  said: anySource,
  runsCode: true,
  executes: null,
  fetches: null,
  names: null,
  copy: null,
};

/** A function of PostgreSQL's own that reads no table. */
export const silentLineage: StatementLineage = { ...unknownLineage, rows: noRows, said: new Set(), runsCode: false };

/** Returns where the results of the statements of a text come from, one for each; null if it cannot be read. */
export function lineageOf(sent: string, catalogue: Catalogue, parser: SqlParser): readonly StatementLineage[] | null {
  const { text } = partsOfSent(sent);
  const statements = parser.statements(text);
  if (statements === null) {
    return null;
  }
  const names = new Names(catalogue, new FactsDraft());
  try {
    return statements.map(({ stmt }) => lineageOfStatement(stmt, new Reading(parser, names, new FactsDraft(), readStatements)));
  } catch (error) {
    if (error instanceof RangeError) {
      return null;
    }
    throw error;
  }
}

/** Returns the columns of a relation, in their order. */
export function rowsOfRelation(found: Found, catalogue: Catalogue, parser: SqlParser): Rowset {
  const names = new Names(catalogue, new FactsDraft());
  return new QueryLineage(new Reading(parser, names, new FactsDraft(), readStatements)).columnsOf(found);
}

function lineageOfStatement(node: unknown, shared: Reading): StatementLineage {
  const reading = shared.apart();
  readStatement(node, reading);
  const { draft } = reading;
  const isUnknown = draft.effects.has('unknown');
  const queries = new QueryLineage(shared);
  const named = draft.columns.has('*') ? [...draft.reads].map((table) => `${table}.*`) : draft.columns;
  const said = new Set([...named, ...[...draft.writes].map((table) => `${table}.*`), ...(isUnknown ? anySource : [])]);
  const runsCode =
    isUnknown || draft.effects.has('execute') || draft.statements.has('do') || [...draft.functions].some((name) => !name.startsWith('pg_catalog.'));
  const [type, members] = typed(node);
  return { ...unknownLineage, ...rowsOf(type, members, { queries, said, runsCode }), said, runsCode };
}

interface Parts {
  readonly queries: QueryLineage;
  readonly said: Sources;
  readonly runsCode: boolean;
}

/** The statements that say nothing of stored values, unless they run code. */
const withoutRows =
  /^(?:VariableSetStmt|TransactionStmt|.*(?:Create|Alter|Drop|Define|Rename|Grant|Comment|SecLabel|Import|Reassign).*|IndexStmt|ViewStmt|RuleStmt|DoStmt|DiscardStmt|DeallocateStmt|ClosePortalStmt|ListenStmt|UnlistenStmt|NotifyStmt|LockStmt|VacuumStmt|ClusterStmt|ReindexStmt|RefreshMatViewStmt|TruncateStmt|CheckPointStmt|LoadStmt|ConstraintsSetStmt)$/;

function rowsOf(type: string, members: Tree, { queries, said, runsCode }: Parts): Partial<StatementLineage> {
  if (isQuery(type)) {
    return { rows: members['intoClause'] === undefined ? queries.query({ [type]: members }, null) : noRows, assigned: queries.assigned };
  }
  switch (type) {
    case 'PrepareStmt':
      return { rows: queries.query(members['query'], null), assigned: queries.assigned, names: textOf(members['name']) };
    case 'DeclareCursorStmt':
      return { rows: queries.query(members['query'], null), names: textOf(members['portalname']) };
    case 'ExecuteStmt':
      return { executes: textOf(members['name']) };
    case 'FetchStmt':
      return { fetches: textOf(members['portalname']) };
    case 'ExplainStmt':
      // A plan has the constants of the statement, and what code has computed while it was planned.
      return { rows: { columns: [{ name: 'QUERY PLAN', sources: runsCode ? said : new Set(), isPlain: false }], others: null } };
    case 'VariableShowStmt': {
      const name = textOf(members['name']);
      return { rows: { columns: [], others: settingSources(name === 'all' ? null : name) } };
    }
    case 'CallStmt':
      return { rows: { columns: [], others: queries.call({ FuncCall: tree(members['funccall']) }) } };
    case 'CopyStmt':
      return members['is_from'] === true ? { rows: noRows } : { rows: copiedRows(members, queries), copy: copyForm(members) };
    default:
      return { rows: withoutRows.test(type) ? noRows : anyRows };
  }
}

function copiedRows(copy: Tree, queries: QueryLineage): Rowset {
  if (copy['query'] !== undefined) {
    return queries.query(copy['query'], null);
  }
  const all = queries.relation(tree(copy['relation']));
  const listed = list(copy['attlist']).map((node) => textOf(ofType(node, 'String')?.['sval']));
  if (listed.length === 0 || all.others !== null) {
    return all;
  }
  return {
    columns: listed.map((name) => all.columns.find((column) => column.name === name) ?? { name, sources: sourcesOf(all), isPlain: false }),
    others: null,
  };
}

function copyForm(copy: Tree): CopyForm {
  const options = new Map(
    list(copy['options']).map((node) => {
      const option = ofType(node, 'DefElem') ?? tree(null);
      return [textOf(option['defname']), optionText(option['arg'])] as const;
    }),
  );
  const said = options.get('format') ?? 'text';
  const format = said === 'csv' || said === 'binary' ? said : 'text';
  const quote = options.get('quote') ?? '"';
  const header = options.get('header');
  return {
    format,
    delimiter: options.get('delimiter') ?? (format === 'csv' ? ',' : '\t'),
    null: options.get('null') ?? (format === 'csv' ? '' : String.raw`\N`),
    quote,
    escape: options.get('escape') ?? quote,
    hasHeader: header !== undefined && !/^(?:false|off|0)$/i.test(header),
  };
}

/** Returns the text of an option; an empty one if it has none. */
function optionText(node: unknown): string {
  const [type, members] = typed(node);
  if (type === 'Boolean') {
    return String(members['boolval'] === true);
  }
  if (type === 'Integer') {
    const { ival = 0 } = members;
    return typeof ival === 'number' ? String(ival) : '';
  }
  return textOf(members['sval']);
}

/** Returns a statement of which it is only known that it may read anything. */
export function doubtful(lineage: StatementLineage): StatementLineage {
  return { ...lineage, rows: { columns: [], others: anySource }, said: anySource, runsCode: true };
}

/** Returns the statement of which it is known only that it is one of these. */
export function oneOf(all: readonly StatementLineage[]): StatementLineage {
  const [first, ...rest] = all;
  if (first === undefined) {
    return unknownLineage;
  }
  return rest.length === 0
    ? first
    : {
        ...first,
        rows: all.map(({ rows }) => rows).reduce(either),
        said: union(all.map(({ said }) => said)),
        runsCode: all.some(({ runsCode }) => runsCode),
        copy: null,
      };
}
