import { readCall, readRowFunction } from './calls.ts';
import { readQuery } from './queries.ts';
import { relationName, type Reading } from './reading.ts';
import type { Scope } from './scope.ts';
import { isTree, list, names, textOf, tree, typed, type Tree } from './tree.ts';

/** Nodes of expressions that do nothing but hold other nodes. */
const plainNodes: ReadonlySet<string> = new Set(
  `A_ArrayExpr A_Const A_Indices A_Star Alias BitString BoolExpr Boolean BooleanTest CaseExpr CaseWhen CoalesceExpr CollateClause ColumnDef Constraint CurrentOfExpr
  DefElem Float GroupingFunc GroupingSet IndexElem InferClause Integer JsonAggConstructor JsonArgument JsonArrayAgg JsonArrayConstructor
  JsonArrayQueryConstructor JsonBehavior JsonFormat JsonFuncExpr JsonIsPredicate JsonKeyValue JsonObjectAgg JsonObjectConstructor JsonOutput JsonParseExpr
  JsonReturning JsonScalarExpr JsonSerializeExpr JsonTable JsonTableColumn JsonTablePathSpec JsonValueExpr List MergeSupportFunc MinMaxExpr MultiAssignRef
  NamedArgExpr NullTest ParamRef RangeFunction RangeTableFunc RangeTableFuncCol ResTarget ReturningOption RowExpr SQLValueFunction SetToDefault SortBy StatsElem String
  TypeCast WindowDef XmlExpr XmlSerialize`.split(/\s+/),
);

const queryNodes: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** Reads an expression, or any nodes that hold expressions. Nodes of types that are not known here make the text unknown. */
export function readExpression(node: unknown, reading: Reading, scope: Scope | null): void {
  if (Array.isArray(node)) {
    for (const each of node) {
      readExpression(each, reading, scope);
    }
  } else if (isTree(node)) {
    reading.deeper(() => {
      readMembers(node, reading, scope);
    });
  }
}

function readMembers(node: Tree, reading: Reading, scope: Scope | null): void {
  for (const name in node) {
    const value = node[name];
    if (typeof value !== 'object') {
      continue;
    }
    if (/^[A-Z]/.test(name)) {
      readNode(name, tree(value), reading, scope);
    } else if (isTypeName(value)) {
      readType(value, reading);
    } else if (isTree(value) && 'relname' in value) {
      reading.use(relationName(value), 'read');
    } else {
      readExpression(value, reading, scope);
    }
  }
}

function readNode(type: string, node: Tree, reading: Reading, scope: Scope | null): void {
  if (queryNodes.has(type)) {
    readQuery({ [type]: node }, reading, scope);
    return;
  }
  switch (type) {
    case 'ColumnRef':
      readColumn(node, reading, scope);
      return;
    case 'FuncCall':
      readCall(names(node['funcname']), list(node['args']), reading);
      break;
    case 'A_Expr':
      readOperator(node, reading);
      break;
    case 'SubLink':
      reading.callOthers('operator', node['operName'] === undefined ? ['='] : names(node['operName']));
      break;
    case 'CaseExpr':
      if (node['arg'] !== undefined) {
        reading.callOthers('operator', ['=']);
      }
      break;
    case 'SortBy':
      if (node['useOp'] !== undefined) {
        reading.callOthers('operator', names(node['useOp']));
      }
      break;
    case 'TypeName':
      readType(node, reading);
      return;
    case 'A_Indirection':
      for (const field of names(node['indirection'])) {
        readRowFunction([field], reading);
      }
      break;
    case 'RangeVar':
      reading.use(relationName(node), 'read');
      return;
    default:
      if (!plainNodes.has(type)) {
        reading.draft.unknown();
      }
  }
  readMembers(node, reading, scope);
}

function readColumn(node: Tree, reading: Reading, scope: Scope | null): void {
  const fields = list(node['fields']).map((field) => {
    const [type, members] = typed(field);
    return type === 'A_Star' ? '*' : textOf(members['sval']);
  });
  // Without a query around it, a name before a dot is that of the table which the statement is about.
  const isColumn = scope?.note(fields, reading.draft) ?? fields.length < 2;
  if (!isColumn || reading.parameters.has(fields.at(-2) ?? '')) {
    readRowFunction(fields.slice(-1), reading);
  }
}

/** The operators that PostgreSQL takes for forms of SQL that have no operator in the text. */
const hiddenOperators: Readonly<Record<string, readonly string[]>> = {
  AEXPR_BETWEEN: ['>=', '<='],
  AEXPR_NOT_BETWEEN: ['<', '>'],
  AEXPR_BETWEEN_SYM: ['>=', '<='],
  AEXPR_NOT_BETWEEN_SYM: ['<', '>'],
};

function readOperator(node: Tree, reading: Reading): void {
  const hidden = hiddenOperators[textOf(node['kind'])];
  for (const operator of hidden ?? []) {
    reading.callOthers('operator', [operator]);
  }
  if (hidden === undefined) {
    reading.callOthers('operator', names(node['name']));
  }
}

/** Returns whether a value is the type of a cast or of a column, which stands without the name of its node. */
function isTypeName(value: unknown): value is Tree {
  return isTree(value) && Array.isArray(value['names']) && 'typemod' in value;
}

function readType(node: Tree, reading: Reading): void {
  const name = names(node['names']);
  // The type of a column is one of those in the row.
  reading.callType(node['pct_type'] === true ? name.slice(0, -1) : name);
  readExpression(node['typmods'], reading, null);
}
