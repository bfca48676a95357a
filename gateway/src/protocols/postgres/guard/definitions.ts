import { readFunction, readBlock } from './bodies.ts';
import { readCall } from './calls.ts';
import type { Effect, FactsDraft } from './facts.ts';
import { readExpression } from './expressions.ts';
import { readInto, readQuery } from './queries.ts';
import { relationName, type Reading } from './reading.ts';
import { readSession } from './session-statements.ts';
import { noteAll, noteColumn } from './scope.ts';
import { statementKind, type StatementKind } from './statement-kinds.ts';
import { readAll, readStatement } from './statements.ts';
import { constantText, isTree, list, names, ofType, textOf, tree, typed, type Tree } from './tree.ts';

type Definition = readonly [kind: StatementKind, ...effects: readonly Effect[]];

/** The statements that change the catalogue or the server and need no more than their kind, and what they do beside `define`. */
const definitions: Readonly<Record<string, Definition>> = {
  AlterCollationStmt: ['alter_collation'],
  AlterDatabaseRefreshCollStmt: ['alter_database', 'administer'],
  AlterDatabaseSetStmt: ['alter_database', 'administer'],
  AlterDatabaseStmt: ['alter_database', 'administer'],
  AlterDefaultPrivilegesStmt: ['alter_default_privileges', 'administer'],
  AlterEnumStmt: ['alter_type'],
  AlterEventTrigStmt: ['alter_event_trigger', 'administer'],
  AlterExtensionContentsStmt: ['alter_extension', 'execute', 'unknown'],
  AlterExtensionStmt: ['alter_extension', 'execute', 'unknown'],
  AlterFdwStmt: ['alter_foreign_data_wrapper', 'administer'],
  AlterForeignServerStmt: ['alter_server', 'administer'],
  AlterFunctionStmt: ['alter_function'],
  AlterOpFamilyStmt: ['alter_operator_family'],
  AlterOperatorStmt: ['alter_operator'],
  AlterPolicyStmt: ['alter_policy', 'administer'],
  AlterPublicationStmt: ['alter_publication', 'administer'],
  AlterRoleSetStmt: ['alter_role', 'administer'],
  AlterRoleStmt: ['alter_role', 'administer'],
  AlterSeqStmt: ['alter_sequence', 'write'],
  AlterStatsStmt: ['alter_statistics'],
  AlterSubscriptionStmt: ['alter_subscription', 'administer'],
  AlterSystemStmt: ['alter_system', 'administer'],
  AlterTSConfigurationStmt: ['alter_text_search_configuration'],
  AlterTSDictionaryStmt: ['alter_text_search_dictionary'],
  AlterTableMoveAllStmt: ['alter_table', 'administer'],
  AlterTableSpaceOptionsStmt: ['alter_tablespace', 'administer'],
  AlterTypeStmt: ['alter_type'],
  AlterUserMappingStmt: ['alter_user_mapping', 'administer'],
  CompositeTypeStmt: ['create_type'],
  CreateAmStmt: ['create_access_method', 'administer'],
  CreateCastStmt: ['create_cast'],
  CreateConversionStmt: ['create_conversion'],
  CreateDomainStmt: ['create_domain'],
  CreateEnumStmt: ['create_type'],
  CreateEventTrigStmt: ['create_event_trigger', 'administer'],
  CreateExtensionStmt: ['create_extension', 'execute', 'unknown'],
  CreateFdwStmt: ['create_foreign_data_wrapper', 'administer'],
  CreateForeignServerStmt: ['create_server', 'administer'],
  CreateOpClassStmt: ['create_operator_class'],
  CreateOpFamilyStmt: ['create_operator_family'],
  CreatePLangStmt: ['create_language', 'administer'],
  CreatePolicyStmt: ['create_policy', 'administer'],
  CreatePublicationStmt: ['create_publication', 'administer'],
  CreateRangeStmt: ['create_type'],
  CreateRoleStmt: ['create_role', 'administer'],
  CreateStatsStmt: ['create_statistics'],
  CreateSubscriptionStmt: ['create_subscription', 'administer', 'unknown'],
  CreateTableSpaceStmt: ['create_tablespace', 'administer'],
  CreateTransformStmt: ['create_transform'],
  CreateUserMappingStmt: ['create_user_mapping', 'administer'],
  CreatedbStmt: ['create_database', 'administer'],
  DefineStmt: ['other'],
  DropOwnedStmt: ['drop_owned', 'administer', 'destroy', 'write', 'unknown'],
  DropRoleStmt: ['drop_role', 'administer', 'destroy', 'write'],
  DropSubscriptionStmt: ['drop_subscription', 'administer', 'destroy', 'write'],
  DropTableSpaceStmt: ['drop_tablespace', 'administer', 'destroy', 'write'],
  DropUserMappingStmt: ['drop_user_mapping', 'administer', 'destroy', 'write'],
  DropdbStmt: ['drop_database', 'administer', 'destroy', 'write', 'unknown'],
  GrantRoleStmt: ['grant', 'administer'],
  GrantStmt: ['grant', 'administer'],
  ImportForeignSchemaStmt: ['import_foreign_schema', 'administer', 'unknown'],
  IndexStmt: ['create_index', 'read'],
  ReassignOwnedStmt: ['reassign_owned', 'administer'],
};

/** The statements that change roles and rights only, so that names stand for the same objects afterwards. */
const withoutDefine: ReadonlySet<string> = new Set([
  'AlterDatabaseRefreshCollStmt',
  'AlterDatabaseSetStmt',
  'AlterDatabaseStmt',
  'AlterRoleSetStmt',
  'AlterRoleStmt',
  'AlterSystemStmt',
  'CreateRoleStmt',
  'GrantRoleStmt',
  'GrantStmt',
]);

/** The statements that change the settings of later sessions, and so their search path. */
const changingSettings: ReadonlySet<string> = new Set(['AlterDatabaseSetStmt', 'AlterRoleSetStmt', 'AlterSystemStmt']);

/** Reads a statement that is no query: one that defines, administers or concerns the session. */
export function readDefinition(type: string, statement: Tree, reading: Reading): void {
  reading.draft.isOfConstants = true;
  const definition = definitions[type];
  if (definition !== undefined) {
    readPlainDefinition(type, definition, statement, reading);
    return;
  }
  const read = readers[type];
  if (read !== undefined) {
    read(statement, reading);
  } else if (!readSession(type, statement, reading)) {
    reading.draft.unknown();
    readExpression(statement, reading, null);
  }
}

function readPlainDefinition(type: string, [kind, ...effects]: Definition, statement: Tree, reading: Reading): void {
  const revokes = (type === 'GrantStmt' || type === 'GrantRoleStmt') && statement['is_grant'] !== true;
  reading.statement(revokes ? 'revoke' : type === 'DefineStmt' ? statementKind(`create_${objectName(statement['kind'])}`) : kind);
  reading.draft.add(...effects);
  if (!withoutDefine.has(type)) {
    reading.draft.add('define');
  }
  if (type === 'IndexStmt') {
    readIndex(statement, reading);
    return;
  }
  readParts(statement, reading);
  if (changingSettings.has(type)) {
    reading.names.define();
  }
  if (withoutDefine.has(type)) {
    reading.always('event_trigger');
  } else {
    endDefinition(statement, reading);
  }
}

/** Reads the definition of an index. One on columns of a temporary table changes no meaning. */
function readIndex(statement: Tree, reading: Reading): void {
  const { relation, ...rest } = statement;
  const definition = reading.apart();
  readParts(rest, definition);
  const { tables } = reading.use(relationName(tree(relation)), 'refresh');
  if (isPlain(definition.draft) && tables.every((table) => table.startsWith('pg_temp.'))) {
    reading.always('event_trigger');
  } else {
    endDefinition(statement, reading);
  }
  reading.draft.absorb(definition.draft);
}

/** Notes that the catalogue changes, and what runs with every such change. */
function endDefinition(statement: Tree, reading: Reading): void {
  reading.always('event_trigger');
  reading.names.define();
  const isTemporary = JSON.stringify(statement).includes('"pg_temp') || reading.names.isTemporary;
  if (isTemporary || [...reading.draft.writes].some((table) => table.startsWith('pg_temp.'))) {
    // Other sessions, and so the gateway, do not see what this makes.
    reading.draft.isLost = true;
  }
}

/** Reads all parts of a definition. A relation that it names is changed, and an expression in it may run now. */
function readParts(node: unknown, reading: Reading): void {
  if (Array.isArray(node)) {
    for (const each of node) {
      readParts(each, reading);
    }
    return;
  }
  if (!isTree(node)) {
    return;
  }
  reading.deeper(() => {
    if (typeof node['relname'] === 'string') {
      change(node, reading);
      return;
    }
    for (const name in node) {
      const value = node[name];
      const word = name === 'DefElem' ? ofType(tree(value)['arg'], 'TypeName') : null;
      if (word !== null) {
        // The grammar takes every word of an option for the name of a type.
        reading.callOthers('type', names(word['names']));
      } else if (/^(?:SelectStmt|InsertStmt|UpdateStmt|DeleteStmt|MergeStmt)$/.test(name)) {
        readStatement(node, reading);
      } else if (/^(?:FuncCall|A_Expr|SubLink|TypeCast|ColumnRef|CaseExpr|BoolExpr|TypeName)$/.test(name)) {
        readExpression(node, reading, null);
      } else if (isTree(value) && Array.isArray(value['names'])) {
        readExpression({ TypeName: value }, reading, null);
      } else {
        readParts(value, reading);
      }
    }
  });
}

function change(range: Tree, reading: Reading): void {
  reading.use(relationName(range), 'refresh');
}

type Reader = (statement: Tree, reading: Reading) => void;

const readers: Readonly<Record<string, Reader>> = {
  CreateStmt: (statement, reading) => {
    reading.statement('create_table');
    createTable(tree(statement['relation']), statement, reading);
  },
  CreateForeignTableStmt: (statement, reading) => {
    const base = tree(statement['base'] ?? statement['base_stmt']);
    reading.statement('create_foreign_table');
    reading.draft.add('administer');
    createTable(tree(base['relation']), base, reading);
    reading.names.define();
  },
  CreateSeqStmt: (statement, reading) => {
    reading.statement('create_sequence');
    createTable(tree(statement['sequence']), { options: statement['options'] }, reading);
  },
  CreateTableAsStmt: (statement, reading) => {
    reading.statement(textOf(statement['objtype']) === 'OBJECT_MATVIEW' ? 'create_materialized_view' : 'create_table_as');
    reading.draft.add('read', 'write', 'define');
    readWithin(statement['query'], reading);
    readInto(tree(statement['into']), reading, typed(statement['query'])[0] === 'ExecuteStmt');
    if (textOf(statement['objtype']) === 'OBJECT_MATVIEW') {
      reading.names.define();
    }
  },
  ViewStmt: (statement, reading) => {
    reading.statement('create_view');
    reading.draft.add('define');
    readQuery(statement['query'], reading, null);
    for (const table of reading.names.newTables(relationName(tree(statement['view'])), textOf(tree(statement['view'])['relpersistence']) === 't')) {
      reading.draft.writes.add(table);
    }
    // A view of temporary tables is temporary, too.
    reading.draft.isLost ||= reading.names.hasTemporary || textOf(tree(statement['view'])['relpersistence']) === 't';
    endDefinition(statement, reading);
  },
  CreateSchemaStmt: (statement, reading) => {
    reading.statement('create_schema');
    reading.draft.add('define');
    readAll(statement['schemaElts'], reading);
    if (statement['schemaElts'] !== undefined) {
      // Names within it mean objects of the new schema.
      reading.draft.unknown();
    }
    endDefinition(statement, reading);
  },
  AlterTableStmt: readAlterTable,
  AlterDomainStmt: (statement, reading) => {
    reading.statement('alter_domain');
    reading.draft.add('define', 'read');
    reading.callType(names(statement['typeName']));
    readParts(statement, reading);
    if (
      textOf(statement['subtype']) === 'V' ||
      (textOf(statement['subtype']) === 'C' && ofType(statement['def'], 'Constraint')?.['skip_validation'] !== true)
    ) {
      // The constraint is checked in all tables that have columns of the domain.
      reading.draft.unknown();
    }
    endDefinition(statement, reading);
  },
  RenameStmt: (statement, reading) => {
    alter(textOf(statement['renameType']), statement, reading);
  },
  AlterObjectSchemaStmt: (statement, reading) => {
    alter(textOf(statement['objectType']), statement, reading);
  },
  AlterObjectDependsStmt: (statement, reading) => {
    alter(textOf(statement['objectType']), statement, reading);
  },
  AlterOwnerStmt: (statement, reading) => {
    reading.draft.add('administer');
    alter(textOf(statement['objectType']), statement, reading);
  },
  DropStmt: readDrop,
  CommentStmt: (statement, reading) => {
    reading.statement('comment');
    reading.draft.add('define');
    useNamed(textOf(statement['objtype']), statement['object'], reading);
    endDefinition(statement, reading);
  },
  SecLabelStmt: (statement, reading) => {
    reading.statement('security_label');
    reading.draft.add('define', 'administer');
    useNamed(textOf(statement['objtype']), statement['object'], reading);
    endDefinition(statement, reading);
  },
  TruncateStmt: (statement, reading) => {
    reading.statement('truncate');
    reading.draft.add('destroy', 'write');
    for (const range of list(statement['relations'])) {
      reading.use(relationName(ofType(range, 'RangeVar') ?? {}), 'truncate');
    }
    if (textOf(statement['behavior']) === 'DROP_CASCADE') {
      // Tables that refer to these are emptied too.
      reading.draft.unknown();
    }
  },
  RuleStmt: (statement, reading) => {
    reading.statement('create_rule');
    reading.draft.add('define');
    change(tree(statement['relation']), reading);
    readExpression(statement['whereClause'], reading, null);
    readAll(statement['actions'], reading);
    endDefinition(statement, reading);
  },
  CreateTrigStmt: (statement, reading) => {
    reading.statement('create_trigger');
    reading.draft.add('define');
    change(tree(statement['relation']), reading);
    readExpression(statement['whenClause'], reading, null);
    readCall(names(statement['funcname']), [], reading);
    endDefinition(statement, reading);
  },
  CreateFunctionStmt: (statement, reading) => {
    reading.statement(statement['is_procedure'] === true ? 'create_procedure' : 'create_function');
    reading.draft.add('define');
    readFunction(statement, reading);
    endDefinition(statement, reading);
  },
  DoStmt: (statement, reading) => {
    reading.statement('do');
    readBlock(statement, reading);
  },
  CallStmt: (statement, reading) => {
    const call = tree(statement['funccall']);
    reading.statement('call');
    readCall(names(call['funcname']), list(call['args']), reading);
    readExpression(call['args'], reading, null);
    if (reading.draft.effects.has('unknown')) {
      reading.draft.add('execute');
    }
  },
  CopyStmt: readCopy,
  RefreshMatViewStmt: (statement, reading) => {
    reading.statement('refresh_materialized_view');
    reading.draft.add('read', 'write');
    reading.use(relationName(tree(statement['relation'])), 'refresh');
    reading.always('event_trigger');
  },
  ExplainStmt: readExplain,
  ReturnStmt: (statement, reading) => {
    readExpression(statement['returnval'], reading, null);
  },
};

/** Reads the definition of a table. One that runs only PostgreSQL's own functions when it is used is known from then on. */
function createTable(range: Tree, parts: Tree, reading: Reading): void {
  const { relation: _, ...rest } = parts;
  reading.draft.add('define');
  const definition = reading.apart();
  readParts(rest, definition);
  noteMade(range, reading);
  reading.always('event_trigger');
  if (!isPlain(definition.draft)) {
    endDefinition(parts, reading);
  }
  reading.draft.absorb(definition.draft);
}

function isPlain({ effects, functions, writes }: FactsDraft): boolean {
  return writes.size === 0 && [...effects].every((effect) => effect === 'read') && [...functions].every((name) => name.startsWith('pg_catalog.'));
}

/** Notes that the session makes a relation. */
function noteMade(range: Tree, reading: Reading): void {
  for (const table of reading.names.make(relationName(range), textOf(range['relpersistence']) === 't')) {
    reading.draft.writes.add(table);
  }
}

/** Actions of ALTER TABLE that remove data, that change them, and that change who may do what or which triggers run. */
const destroying = /^AT_(?:DropColumn|DropExpression|SetUnLogged|DetachPartition)/;
const rewriting = /^AT_(?:AlterColumnType|AddColumn|SetExpression|SetLogged)/;
const administering = /RowSecurity|Trig|Rule|ChangeOwner|ReplicaIdentity|TableSpace|GenericOptions/;

function readAlterTable(statement: Tree, reading: Reading): void {
  for (const command of list(statement['cmds'])) {
    const { subtype } = ofType(command, 'AlterTableCmd') ?? {};
    const action = textOf(subtype) || 'AT_AddColumn';
    if (destroying.test(action)) {
      reading.draft.add('destroy', 'write');
    } else if (rewriting.test(action)) {
      reading.draft.add('write', 'read');
    } else if (administering.test(action)) {
      reading.draft.add('administer');
    }
    if (textOf(ofType(command, 'AlterTableCmd')?.['behavior']) === 'DROP_CASCADE') {
      reading.draft.unknown();
    }
  }
  if (/"AT_ValidateConstraint"/.test(JSON.stringify(statement['cmds']))) {
    // A foreign key is compared with the other table.
    const compared = reading.apart();
    compared.use(relationName(tree(statement['relation'])), 'insert');
    for (const table of compared.draft.reads) {
      reading.draft.reads.add(table);
    }
  }
  alter(textOf(statement['objtype']), statement, reading);
}

function alter(object: string, statement: Tree, reading: Reading): void {
  reading.statement(statementKind(`alter_${objectName(object)}`));
  reading.draft.add('define');
  readParts(statement, reading);
  endDefinition(statement, reading);
}

/** The kinds of objects whose name alone is the name of a relation, and those whose name follows that of a relation. */
const relations: ReadonlySet<string> = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_INDEX', 'OBJECT_SEQUENCE', 'OBJECT_FOREIGN_TABLE']);
const ofRelations: ReadonlySet<string> = new Set(['OBJECT_TRIGGER', 'OBJECT_RULE', 'OBJECT_POLICY', 'OBJECT_COLUMN', 'OBJECT_TABCONSTRAINT']);
/** The kinds of objects that hold others, so that their names do not tell what is dropped. */
const holders: ReadonlySet<string> = new Set(['OBJECT_EXTENSION', 'OBJECT_FOREIGN_SERVER', 'OBJECT_FDW']);

/** Notes that a relation is changed that an object is, or belongs to. */
function useNamed(object: string, node: unknown, reading: Reading): void {
  const parts = names(tree(tree(node)['List'])['items']);
  const name = relations.has(object) ? parts : ofRelations.has(object) ? parts.slice(0, -1) : [];
  if (name.length > 0) {
    reading.use(name, 'refresh');
  }
}

function readDrop(statement: Tree, reading: Reading): void {
  const object = textOf(statement['removeType']);
  reading.statement(statementKind(`drop_${objectName(object)}`));
  reading.draft.add('define', 'destroy', 'write');
  for (const each of list(statement['objects'])) {
    useNamed(object, each, reading);
  }
  if (ofRelations.has(object)) {
    reading.draft.add('administer');
  }
  if (textOf(statement['behavior']) === 'DROP_CASCADE' || holders.has(object)) {
    reading.draft.unknown();
  }
  // A dropped object runs nothing, but a name may stand for another object now.
  reading.always('event_trigger');
  reading.names.define();
}

function readCopy(statement: Tree, reading: Reading): void {
  const isFrom = statement['is_from'] === true;
  reading.statement('copy');
  if (statement['is_program'] === true) {
    reading.draft.add('execute');
  } else if (statement['filename'] !== undefined) {
    reading.draft.add('administer');
  }
  if (statement['query'] !== undefined) {
    readWithin(statement['query'], reading);
  }
  if (statement['relation'] !== undefined) {
    const relation = reading.use(relationName(tree(statement['relation'])), isFrom ? 'insert' : 'read');
    const columns = names(statement['attlist']);
    if (columns.length === 0) {
      noteAll({ alias: '', relation }, reading.draft);
    }
    for (const column of columns) {
      noteColumn({ alias: '', relation }, column, reading.draft);
    }
  }
  reading.draft.add(isFrom ? 'write' : 'read');
  readExpression([statement['options'], statement['whereClause']], reading, null);
}

/** Reads a statement within another. Only one that changes something is a statement of its own there. */
function readWithin(node: unknown, reading: Reading): void {
  const [type] = typed(node);
  if (type === 'SelectStmt') {
    readQuery(node, reading, null);
  } else {
    readStatement(node, reading);
  }
}

/** Reads EXPLAIN. With ANALYZE the statement runs. Without it the target still plans it, for which it may call functions of its user. */
function readExplain(statement: Tree, reading: Reading): void {
  const options = list(statement['options']).map((option) => ofType(option, 'DefElem') ?? {});
  const analyze = options.findLast(({ defname }) => textOf(defname) === 'analyze');
  reading.statement('explain');
  reading.draft.add('read');
  if (analyze !== undefined && !isOff(analyze['arg'])) {
    readStatement(statement['query'], reading);
    return;
  }
  const planned = reading.apart();
  readStatement(statement['query'], planned);
  notePlanned(planned.draft, reading.draft);
}

/** Notes what planning a statement does: it reads tables, and it may call functions that are not PostgreSQL's own. */
function notePlanned(planned: FactsDraft, draft: FactsDraft): void {
  const callsOthers = [...planned.functions].some((name) => !name.startsWith('pg_catalog.'));
  draft.add(...[...planned.effects].filter((effect) => callsOthers || effect === 'unknown'));
  for (const table of [...planned.reads, ...planned.writes]) {
    draft.reads.add(table);
  }
  for (const kind of ['columns', 'functions', 'executed'] as const) {
    for (const name of planned[kind]) {
      draft[kind].add(name);
    }
  }
}

/** Returns whether an option is switched off: by any of PostgreSQL's words for that. */
function isOff(value: unknown): boolean {
  const [type, members] = typed(value);
  switch (type) {
    case 'String':
      return /^(?:off|false)$/i.test(textOf(members['sval']));
    case 'Integer':
      return (members['ival'] ?? 0) === 0;
    case 'Boolean':
      return members['boolval'] !== true;
    default:
      return /^(?:off|false)$/i.test(constantText(value) ?? '');
  }
}

const objectNames: Readonly<Record<string, string>> = {
  OBJECT_AGGREGATE: 'aggregate',
  OBJECT_ATTRIBUTE: 'type',
  OBJECT_COLUMN: 'table',
  OBJECT_DOMCONSTRAINT: 'domain',
  OBJECT_FDW: 'foreign_data_wrapper',
  OBJECT_FOREIGN_SERVER: 'server',
  OBJECT_MATVIEW: 'materialized_view',
  OBJECT_OPCLASS: 'operator_class',
  OBJECT_OPFAMILY: 'operator_family',
  OBJECT_STATISTIC_EXT: 'statistics',
  OBJECT_TABCONSTRAINT: 'table',
  OBJECT_TSCONFIGURATION: 'text_search_configuration',
  OBJECT_TSDICTIONARY: 'text_search_dictionary',
  OBJECT_TSPARSER: 'text_search_parser',
  OBJECT_TSTEMPLATE: 'text_search_template',
};

function objectName(object: unknown): string {
  const name = textOf(object);
  return objectNames[name] ?? name.replace('OBJECT_', '').toLowerCase();
}
