import { readCall } from './calls.ts';
import { builtinEffects } from './builtins.ts';
import type { Found } from './catalogue.ts';
import type { FactsDraft } from './facts.ts';
import { relationName, type Reading } from './reading.ts';
import { isSystemSchema, type Name } from './resolve.ts';
import { anyRows, anySource, beside, either, noRows, noSources, renamed, sourcesOf, union, type Output, type Rowset, type Sources } from './rowset.ts';
import { settingOf } from './setting-query.ts';
import { constantNumber, constantText, isTree, list, names, ofType, textOf, tree, typed, type Tree } from './tree.ts';

/** Deepest nesting of queries, and of views within views, that is followed. */
const deepMax = 100;
/** Most queries that are followed for one statement. Recursive ones count in each round. */
const queriesMax = 5_000;
/** Most rounds in which the columns of a recursive query are found. */
const roundsMax = 8;
const queryTypes: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);
/** Columns that every table has and that hold nothing of its rows. */
const systemColumns: ReadonlySet<string> = new Set(['ctid', 'tableoid', 'xmin', 'xmax', 'cmin', 'cmax']);
/** The relations with statistics, and with the texts of what others run; and their columns with values of others' columns. */
const statistics = /^pg_(?:stats|statistic|stat_activity$|stat_replication$)/;
const statisticsValues = /vals|bounds|elems|values|histogram|freqs|mcv|stxd|^query$|^application_name$/;
/** The columns of pg_settings with the value of a setting. */
const settingValues = /^(?:setting|reset_val)$/;
/** Aggregates that tell how many there are and nothing of the values. */
const counting: ReadonlySet<string> = new Set(['count']);
/** Functions that read files of the server, its log, and the texts of what others run. */
const readsAll = /^pg_read_(?:binary_)?file$|^pg_logical_slot_(?:get|peek)_|^pg_stat_get_(?:activity|backend_activity)$/;
/** Settings that hold no text of somebody's choice have names without a dot, and are none of these. */
const textSettings: ReadonlySet<string> = new Set(['application_name', 'search_path', 'session_authorization']);

/** Returns where the value of a setting comes from: of one that any text can be put into, that is not known. Null: any setting may be meant. */
export function settingSources(name: string | null): Sources {
  return name === null || name.includes('.') || textSettings.has(name.toLowerCase()) ? anySource : noSources;
}

export function isQuery(type: string): boolean {
  return queryTypes.has(type);
}

/** An entry of a FROM clause, by which expressions name columns. */
interface Range {
  readonly alias: string;
  readonly rows: Rowset;
}

/** The names that an expression may use. */
class Level {
  readonly parent: Level | null;
  readonly ranges: Range[] = [];
  readonly withs = new Map<string, Rowset>();

  constructor(parent: Level | null) {
    this.parent = parent;
  }

  with(name: string): Rowset | undefined {
    return this.withs.get(name) ?? this.parent?.with(name);
  }

  /** Returns where a name comes from. One that is not found may be anything that is in sight. */
  find(fields: readonly string[]): Sources {
    const column = fields.at(-1) ?? '';
    const qualifier = fields.at(-2);
    const found = qualifier === undefined ? this.#bare(column) : this.#qualified(qualifier, column);
    return found ?? (systemColumns.has(column) ? noSources : this.#all());
  }

  /** Returns whether a name stands for a column of a table, as it is there. */
  isPlain(fields: readonly string[]): boolean {
    const [column, qualifier] = [fields.at(-1) ?? '', fields.at(-2)];
    const found = this.ranges
      .filter(({ alias }) => qualifier === undefined || alias === qualifier)
      .flatMap(({ rows }) => rows.columns.filter(({ name }) => name === column));
    const [only, ...more] = found;
    return only === undefined ? this.parent?.isPlain(fields) === true : more.length === 0 && only.isPlain;
  }

  #qualified(qualifier: string, column: string): Sources | null {
    const ranges = this.ranges.filter(({ alias }) => alias === qualifier);
    if (ranges.length === 0) {
      return this.parent === null ? null : this.parent.#qualified(qualifier, column);
    }
    return union(ranges.map(({ rows }) => columnOf(rows, column) ?? (systemColumns.has(column) ? noSources : sourcesOf(rows))));
  }

  #bare(column: string): Sources | null {
    if (column === '*') {
      return union(this.ranges.map(({ rows }) => sourcesOf(rows)));
    }
    const sure = this.ranges.filter(({ rows }) => rows.columns.some(({ name }) => name === column));
    const found = this.ranges.flatMap(({ alias, rows }) => columnOf(rows, column) ?? (alias === column && sure.length === 0 ? sourcesOf(rows) : []));
    const outer = sure.length > 0 || this.parent === null ? null : this.parent.#bare(column);
    return found.length === 0 && outer === null ? null : union([...found, outer ?? noSources]);
  }

  #all(): Sources {
    return union([...this.ranges.map(({ rows }) => sourcesOf(rows)), this.parent === null ? noSources : this.parent.#all()]);
  }
}

/** Returns where a column of rows comes from; null if they have none of this name. */
function columnOf({ columns, others }: Rowset, column: string): Sources | null {
  const found = columns.filter(({ name }) => name === column).map(({ sources }) => sources);
  return found.length > 0 ? union(found) : others;
}

/** Follows the columns of queries to the columns of tables. Where that is not possible, a value counts as of all columns from which it may come. */
export class QueryLineage {
  readonly #reading: Reading;
  readonly #views = new Map<string, Rowset>();
  /** The columns on which it depends which rows there are, and in which order. Those within views are not here: nobody who asks has chosen them. */
  readonly filters = new Set<string>();
  /** The columns of which values are stored in others by a statement that gives them back with RETURNING. */
  readonly assigned = new Set<string>();
  /** True if the filters may be others for a text that differs only in the values of constants. */
  isOfConstants = false;
  #deep = 0;
  #queries = 0;
  /** The setting of which the query that is being read reads the row of pg_settings. Null: it is not known. */
  #setting: string | null = null;
  #viewsDeep = 0;

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  /** Returns the columns of a query, or of what a statement returns that changes rows. */
  query(node: unknown, outer: unknown): Rowset {
    return this.#query(node, outer instanceof Level ? outer : null);
  }

  /** Returns the columns of the relation with the name of a RangeVar. */
  relation(range: Tree): Rowset {
    const relation = this.#reading.names.relation(relationName(range));
    const known = new Set(relation.found.map((found) => `${found.schema}.${found.name}`));
    const strange = relation.tables.some((table) => !known.has(table) && !isSystemSchema(table.slice(0, table.lastIndexOf('.'))));
    const all = relation.found.map((found) => this.columnsOf(found));
    return [...all, ...(strange || all.length === 0 ? [anyRows] : [])].reduce(eitherByName);
  }

  /** Returns where the result of a call comes from. */
  call(node: unknown): Sources {
    return this.#expression(node, new Level(null));
  }

  #query(node: unknown, outer: Level | null): Rowset {
    const [type, members] = typed(node);
    this.#queries += 1;
    if (this.#deep >= deepMax || this.#queries > queriesMax) {
      this.#filter(anySource);
      return anyRows;
    }
    this.#deep += 1;
    const rows = type === 'SelectStmt' ? this.#select(members, outer) : isQuery(type) ? this.#change(type, members, outer) : anyRows;
    this.#deep -= 1;
    return rows;
  }

  #select(select: Tree, outer: Level | null): Rowset {
    const level = new Level(outer);
    this.#with(select['withClause'], level);
    if (textOf(select['op']) !== 'SETOP_NONE') {
      const [left = anyRows, right = anyRows] = [select['larg'], select['rarg']].map((side) => this.#query({ SelectStmt: tree(side) }, level));
      const rows = either(left, right);
      this.#filter(textOf(select['op']) === 'SETOP_UNION' && select['all'] === true ? noSources : sourcesOf(rows));
      this.#sorted(select, new Level(level), rows);
      return rows;
    }
    const lists = list(select['valuesLists']);
    if (lists.length > 0) {
      return lists.map((each) => this.#values(each, level)).reduce(either);
    }
    this.#setting = settingOf(select);
    const star = this.#from(select['fromClause'], level);
    this.#setting = null;
    const rows = this.#targets(select['targetList'], level, star);
    this.#filterBy([select['whereClause'], select['havingClause']], level);
    this.#sorted(select, level, rows);
    return rows;
  }

  /** Notes the columns by which rows are sorted, grouped, told apart and counted. They may be named by their names and numbers in the result. */
  #sorted(select: Tree, level: Level, rows: Rowset): void {
    const named = new Level(level);
    named.ranges.push({ alias: '', rows });
    const clauses = [select['sortClause'], select['groupClause'], select['distinctClause']].map(list);
    for (const node of clauses.flat()) {
      const sorted = ofType(node, 'SortBy')?.['node'] ?? node;
      const number = constantNumber(sorted);
      this.isOfConstants ||= number !== null;
      // DISTINCT without expressions has an empty node.
      const isWhole = isTree(node) && Object.keys(node).length === 0;
      this.#filter(isWhole ? sourcesOf(rows) : number === null ? this.#expression(sorted, named) : (rows.columns[number - 1]?.sources ?? sourcesOf(rows)));
    }
    this.#filterBy([select['limitCount'], select['limitOffset'], select['windowClause']], level);
  }

  #filterBy(nodes: unknown, level: Level): void {
    this.#filter(this.#expression(nodes, level));
  }

  #filter(sources: Sources): void {
    if (this.#viewsDeep === 0) {
      for (const source of sources) {
        this.filters.add(source);
      }
    }
  }

  #values(row: unknown, level: Level): Rowset {
    const columns = list(tree(tree(row)['List'])['items']).map((node, i) => ({
      name: `column${i + 1}`,
      sources: this.#expression(node, level),
      isPlain: false,
    }));
    return { columns, others: null };
  }

  /** Returns the columns of RETURNING. */
  #change(type: string, change: Tree, outer: Level | null): Rowset {
    const returning = change['returningList'] ?? tree(change['returningClause'])['exprs'];
    const level = new Level(outer);
    this.#with(change['withClause'], level);
    const range = tree(change['relation']);
    const stored = this.relation(range);
    const alias = aliasOf(range) || (relationName(range).at(-1) ?? '');
    const from = { UpdateStmt: change['fromClause'], DeleteStmt: change['usingClause'], MergeStmt: [change['sourceRelation']] }[type];
    const aliases = [...new Set([alias, 'excluded', 'old', 'new'])];
    level.ranges.push(...aliases.map((each) => ({ alias: each, rows: stored })));
    const others = this.#from(from, level);
    const conflict = tree(change['onConflictClause']);
    const merged = list(change['mergeWhenClauses']).map((clause) => tree(tree(clause)['MergeWhenClause']));
    const conditions = merged.map((clause) => clause['condition']);
    this.#filterBy([change['whereClause'], change['joinCondition'], conflict['whereClause'], conditions], level);
    // Queries in what is set have conditions, too.
    const set = union([
      change['selectStmt'] === undefined ? noSources : sourcesOf(this.#query(change['selectStmt'], level)),
      this.#expression([change['targetList'], conflict['targetList'], ...merged.flatMap((clause) => [clause['targetList'], clause['values']])], level),
    ]);
    const rows = returning === undefined ? stored : this.#given(stored, set);
    level.ranges.splice(0, aliases.length, ...aliases.map((each) => ({ alias: each, rows })));
    if (this.#hasRules(range)) {
      return anyRows;
    }
    const star = type === 'MergeStmt' ? [others, rows] : [rows, others];
    return returning === undefined ? noRows : this.#targets(returning, level, beside(star));
  }

  /** Returns the columns that a statement gives back of a table in which it stored values of these columns, in any of its own. */
  #given(stored: Rowset, set: Sources): Rowset {
    if (set.size === 0) {
      return stored;
    }
    set.forEach((source) => this.assigned.add(source));
    const columns = stored.columns.map(({ name, sources }) => ({ name, sources: union([sources, set]), isPlain: false }));
    return { columns, others: stored.others === null ? null : union([stored.others, set]) };
  }

  /** Returns whether a table has rules, whose queries may have results beside those of the statement. */
  #hasRules(range: Tree): boolean {
    return this.#reading.names
      .relation(relationName(range))
      .found.some(({ runs = [] }) => runs.some(({ defines, sql }) => defines === true && sql.startsWith('CREATE RULE')));
  }

  #with(clause: unknown, level: Level): void {
    const { ctes, recursive } = tree(clause);
    for (const node of list(ctes)) {
      const cte = ofType(node, 'CommonTableExpr') ?? tree(null);
      const name = textOf(cte['ctename']);
      const aliases = names(cte['aliascolnames']);
      const read = (): Rowset => renamed(this.#query(cte['ctequery'], level), aliases);
      if (recursive === true) {
        this.#recursive(name, { cte, level, read, aliases });
      }
      const rows = read();
      const added = [cte['search_clause'], cte['cycle_clause']].some((part) => part !== undefined);
      level.withs.set(name, added ? { columns: rows.columns, others: sourcesOf(rows) } : rows);
    }
  }

  /** Finds the columns of a query that may refer to itself: at first it has those of its first part, and then more until there are no more. */
  #recursive(
    name: string,
    { cte, level, read, aliases }: { readonly cte: Tree; readonly level: Level; readonly read: () => Rowset; readonly aliases: readonly string[] },
  ): void {
    const select = tree(tree(cte['ctequery'])['SelectStmt']);
    level.withs.set(name, noRows);
    const first = select['larg'] === undefined ? noRows : renamed(this.#query({ SelectStmt: tree(select['larg']) }, level), aliases);
    level.withs.set(name, first);
    for (let round = 0; round < roundsMax; round += 1) {
      const rows = read();
      const isSame = sizeOf(rows) === sizeOf(level.withs.get(name) ?? noRows);
      level.withs.set(name, rows);
      if (isSame) {
        return;
      }
    }
    level.withs.set(name, { columns: [], others: sourcesOf(read()) });
  }

  /** Adds the entries of a FROM clause. Returns the columns of `*`. */
  #from(items: unknown, level: Level): Rowset {
    return beside(list(items).map((item) => this.#fromItem(item, level)));
  }

  #fromItem(item: unknown, level: Level): Rowset {
    const [type, members] = typed(item);
    if (type === 'JoinExpr') {
      return this.#join(members, level);
    }
    if (type === 'RangeTableSample') {
      return this.#fromItem(members['relation'], level);
    }
    const name = type === 'RangeVar' ? relationName(members) : [];
    const last = name.at(-1) ?? '';
    const cte = name.length === 1 ? level.with(last) : undefined;
    const columnNames = names(tree(members['alias'])['colnames']);
    const rows = renamed(this.#rowsOfItem(type, { members, item, level, cte }), columnNames);
    level.ranges.push({ alias: aliasOf(members) || last, rows });
    return rows;
  }

  #rowsOfItem(
    type: string,
    { members, item, level, cte }: { readonly members: Tree; readonly item: unknown; readonly level: Level; readonly cte: Rowset | undefined },
  ): Rowset {
    switch (type) {
      case 'RangeVar':
        return cte ?? this.relation(members);
      case 'RangeSubselect':
        return this.#query(members['subquery'], level);
      default:
        // A function, or a table made of XML or JSON: any column may hold any part of the parameters.
        return { columns: [], others: this.#expression(item, level) };
    }
  }

  #join(join: Tree, level: Level): Rowset {
    const before = level.ranges.length;
    const [left = noRows, right = noRows] = [join['larg'], join['rarg']].map((side) => this.#fromItem(side, level));
    const shared =
      join['isNatural'] === true ? left.columns.map(({ name }) => name).filter((name) => columnOf(right, name) !== null) : names(join['usingClause']);
    this.#filterBy(join['quals'], level);
    const merged = shared.map((name) => ({ name, sources: union([columnOf(left, name) ?? noSources, columnOf(right, name) ?? noSources]), isPlain: false }));
    this.#filter(union(merged.map(({ sources }) => sources)));
    const rest = beside([left, right]);
    const isUnsure = join['isNatural'] === true && rest.others !== null;
    const columns = [...merged, ...rest.columns.filter(({ name }) => !shared.includes(name))];
    const rows = isUnsure ? { columns: [], others: sourcesOf(rest) } : { columns, others: rest.others };
    const [aliased, using] = [aliasOf(join), textOf(tree(join['join_using_alias'])['aliasname'])];
    if (using !== '') {
      level.ranges.push({ alias: using, rows: { columns: merged, others: null } });
    }
    if (aliased === '') {
      return rows;
    }
    const named = renamed(rows, names(tree(join['alias'])['colnames']));
    level.ranges.splice(before, level.ranges.length - before, { alias: aliased, rows: named });
    return named;
  }

  #targets(targets: unknown, level: Level, star: Rowset): Rowset {
    return beside(
      list(targets).map((node) => {
        const target = ofType(node, 'ResTarget') ?? tree(null);
        const value = target['val'];
        const fields = fieldsOf(value);
        if (fields?.at(-1) === '*') {
          return fields.length === 1 ? star : this.#starOf(fields, level);
        }
        const sources = this.#expression(value, level);
        const indirection = ofType(value, 'A_Indirection');
        if (indirection !== null && list(indirection['indirection']).some((each) => ofType(each, 'A_Star') !== null)) {
          return { columns: [], others: sources };
        }
        return { columns: [{ name: textOf(target['name']) || nameOf(value), sources, isPlain: fields !== null && level.isPlain(fields) }], others: null };
      }),
    );
  }

  #starOf(fields: readonly string[], level: Level): Rowset {
    const alias = fields.at(-2) ?? '';
    for (let each: Level | null = level; each !== null; each = each.parent) {
      const [range, ...more] = each.ranges.filter((one) => one.alias === alias);
      if (range !== undefined) {
        return more.length === 0 ? range.rows : { columns: [], others: union([range, ...more].map(({ rows }) => sourcesOf(rows))) };
      }
    }
    return { columns: [], others: level.find(fields) };
  }

  /** Returns the columns of a relation; those of a view with the columns that its query reads. */
  columnsOf(found: Found): Rowset {
    const key = `${found.schema}.${found.name}`;
    const known = this.#views.get(key);
    if (known !== undefined) {
      return known;
    }
    if (isSystemSchema(found.schema)) {
      return {
        columns: (found.columns ?? []).map((name) => ({
          name,
          sources: this.#systemSources(found.name, name),
          isPlain: true,
        })),
        others: found.columns === undefined ? noSources : null,
      };
    }
    this.#views.set(key, anyRows);
    const parents = this.#reading.names.catalogue.parentsOf(key);
    const children = (found.spreads ?? []).filter(({ on, as }) => as === 'read' && on.includes('read')).map(({ schema, name }) => `${schema}.${name}`);
    const tables = [key, ...parents, ...children];
    const base: Rowset = {
      columns: (found.columns ?? []).map((name) => ({ name, sources: new Set(tables.map((table) => `${table}.${name}`)), isPlain: true })),
      others: found.columns === undefined ? new Set(tables.map((table) => `${table}.*`)) : null,
    };
    const view = found.runs?.find(({ on, defines }) => defines !== true && on.length === 1 && (on[0] === 'read' || on[0] === 'refresh'));
    const rows = view === undefined ? base : either(base, this.#view(view.sql));
    this.#views.set(key, rows);
    return rows;
  }

  /** Returns where a column of a relation of PostgreSQL's own comes from. */
  #systemSources(relation: string, column: string): Sources {
    if (relation === 'pg_settings') {
      return settingValues.test(column) ? settingSources(this.#setting) : noSources;
    }
    return statistics.test(relation) && statisticsValues.test(column) ? anySource : noSources;
  }

  /** Returns the columns of a view's query. All names in it have their schema. */
  #view(sql: string): Rowset {
    const [statement, ...more] = this.#reading.parser.statements(sql) ?? [];
    if (statement === undefined || more.length > 0) {
      return anyRows;
    }
    const leave = this.#reading.names.within([], false);
    this.#viewsDeep += 1;
    const rows = this.#query(statement['stmt'], null);
    this.#viewsDeep -= 1;
    leave();
    return rows;
  }

  /** Returns where the value of an expression comes from, or of any nodes that hold expressions. */
  #expression(node: unknown, level: Level): Sources {
    if (Array.isArray(node)) {
      return union(node.map((each) => this.#expression(each, level)));
    }
    if (!isTree(node)) {
      return noSources;
    }
    return union(Object.entries(node).map(([name, value]) => (typeof value === 'object' ? this.#member(name, value, level) : noSources)));
  }

  #member(name: string, value: unknown, level: Level): Sources {
    const node = tree(value);
    switch (name) {
      case 'ColumnRef':
        return this.#column(node, level);
      case 'SubLink':
        return this.#subLink(node, level);
      case 'FuncCall':
        return this.#call(node, level);
      case 'A_Expr':
        return union([this.#expression([node['lexpr'], node['rexpr']], level), this.#operator(names(node['name']))]);
      case 'TypeCast':
        return union([this.#expression(node['arg'], level), this.#cast(tree(node['typeName']))]);
      case 'A_Indirection':
        return union([this.#expression([node['arg'], node['indirection']], level), ...names(node['indirection']).map((field) => this.#rowFunction(field))]);
      case 'SelectStmt':
      case 'InsertStmt':
      case 'UpdateStmt':
      case 'DeleteStmt':
      case 'MergeStmt':
        return sourcesOf(this.#query({ [name]: node }, level));
      case 'GroupingFunc':
        return noSources;
      default:
        return this.#expression(value, level);
    }
  }

  #subLink(node: Tree, level: Level): Sources {
    const inner = sourcesOf(this.#query(node['subselect'], level));
    const compared = union([inner, this.#expression(node['testexpr'], level), this.#operator(names(node['operName']))]);
    // Whether there is a row tells nothing of its columns, but of those in its conditions, which are noted.
    return textOf(node['subLinkType']) === 'EXISTS_SUBLINK' ? noSources : compared;
  }

  #column(node: Tree, level: Level): Sources {
    const fields = fieldsOf({ ColumnRef: node }) ?? [];
    return fields.length > 1 ? union([level.find(fields), this.#rowFunction(fields.at(-1) ?? '')]) : level.find(fields);
  }

  #call(node: Tree, level: Level): Sources {
    const name = names(node['funcname']);
    const parameters = list(node['args']);
    const others = this.#reading.names.others('function', name);
    const isBuiltin = this.#reading.names.isBuiltin(name);
    const last = name.at(-1) ?? '';
    this.#filterBy([node['agg_filter'], node['over'], node['agg_within_group'] === true ? null : node['agg_order']], level);
    const values = this.#expression([parameters, node['agg_within_group'] === true ? node['agg_order'] : null], level);
    if (isBuiltin && others.length === 0 && counting.has(last)) {
      return noSources;
    }
    this.isOfConstants ||= builtinEffects(last)?.includes('unknown') === true || last === 'current_setting';
    if (isBuiltin && (last === 'current_setting' || readsAll.test(last))) {
      return union([values, last === 'current_setting' ? settingSources(constantText(parameters[0])) : anySource]);
    }
    const isPlain = isBuiltin && others.length === 0 && builtinEffects(last)?.includes('unknown') !== true;
    return isPlain ? values : union([values, this.#run((reading) => readCall(name, parameters, reading))]);
  }

  #operator(name: Name): Sources {
    return name.length === 0 || this.#reading.names.others('operator', name).length === 0
      ? noSources
      : this.#run((reading) => reading.callOthers('operator', name));
  }

  #rowFunction(field: string): Sources {
    return this.#reading.names.others('function', [field]).length === 0 ? noSources : this.#run((reading) => readCall([field], [], reading));
  }

  /** Returns where a value may come from that the code of a type makes. */
  #cast(type: Tree): Sources {
    const name = names(type['names']);
    if (this.#reading.names.isHarmlessType(name) && this.#reading.names.others('type', name).length === 0) {
      return noSources;
    }
    return this.#run((reading) => {
      reading.callType(name);
      reading.always('cast');
    });
  }

  /** Returns all columns that something may read which runs: it may return any of them. */
  #run(read: (reading: Reading) => void): Sources {
    const reading = this.#reading.apart();
    read(reading);
    return readBy(reading.draft, this.#reading.names.catalogue.functions);
  }
}

function readBy(draft: FactsDraft, declared: ReadonlyMap<string, unknown>): Sources {
  const isUnknown = draft.effects.has('unknown') || draft.effects.has('execute') || [...draft.functions].some((name) => declared.has(name));
  return isUnknown || [...draft.reads].some((table) => statistics.test(table.slice(table.lastIndexOf('.') + 1)))
    ? anySource
    : new Set([...draft.reads].map((table) => `${table}.*`));
}

/** Returns the rows of either table. Columns of the same name are one. */
function eitherByName(one: Rowset, other: Rowset): Rowset {
  const isSame = one.columns.length === other.columns.length && one.columns.every(({ name }, i) => name === other.columns[i]?.name);
  return isSame ? either(one, other) : { columns: [], others: union([sourcesOf(one), sourcesOf(other)]) };
}

/** Returns a number that grows when more is known of rows. */
function sizeOf({ columns, others }: Rowset): number {
  return columns.reduce((sum, { sources }: Output) => sum + sources.size, columns.length) + (others?.size ?? 0);
}

function aliasOf(range: Tree): string {
  return textOf(tree(range['alias'])['aliasname']);
}

/** Returns the parts of a name of a column; null if a node is none. */
function fieldsOf(node: unknown): readonly string[] | null {
  const reference = ofType(node, 'ColumnRef');
  return reference === null
    ? null
    : list(reference['fields']).map((field) => {
        const [type, members] = typed(field);
        return type === 'A_Star' ? '*' : textOf(members['sval']);
      });
}

/** Returns the name that PostgreSQL gives to the column of an expression; an empty one if that is not known here. */
function nameOf(node: unknown): string {
  const [type, members] = typed(node);
  switch (type) {
    case 'ColumnRef':
      return fieldsOf(node)?.at(-1) ?? '';
    case 'FuncCall':
      return names(members['funcname']).at(-1) ?? '';
    case 'TypeCast':
      return nameOf(members['arg']) || (names(tree(members['typeName'])['names']).at(-1) ?? '');
    case 'A_Indirection':
      return names(members['indirection']).at(-1) ?? nameOf(members['arg']);
    case 'CaseExpr':
      return nameOf(members['defresult']) || 'case';
    case 'CoalesceExpr':
      return 'coalesce';
    case 'RowExpr':
      return 'row';
    case 'A_ArrayExpr':
      return 'array';
    default:
      return '';
  }
}
