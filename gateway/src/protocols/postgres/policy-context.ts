import type { ContextField } from '../../domain/context-field.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { statementKinds } from './guard/statement-kinds.ts';

/** The facts about statements that policies may speak of. */
export const context: readonly ContextField[] = [
  {
    name: 'statements',
    type: 'texts',
    attribute: ownAttributes.statements,
    absent: [],
    oneOf: statementKinds,
    title:
      'The kinds of the statements: select, insert, update, delete, create_table and so on; all are listed below. A MERGE has the kinds of what it does too, and an INSERT with ON CONFLICT DO UPDATE is an update too.',
  },
  {
    name: 'tables',
    type: 'texts',
    attribute: ownAttributes.tables,
    absent: [],
    parts: 'SCHEMA.TABLE',
    title: 'The tables that are read or changed, each as SCHEMA.TABLE.',
  },
  { name: 'reads', type: 'texts', attribute: ownAttributes.reads, absent: [], parts: 'SCHEMA.TABLE', title: 'The tables that are read.' },
  { name: 'writes', type: 'texts', attribute: ownAttributes.writes, absent: [], parts: 'SCHEMA.TABLE', title: 'The tables that are changed.' },
  {
    name: 'columns',
    type: 'texts',
    attribute: ownAttributes.columns,
    absent: [],
    parts: 'SCHEMA.TABLE.COLUMN',
    title: 'The columns that are named, each as SCHEMA.TABLE.COLUMN; `*` for all of a table.',
  },
  {
    name: 'filtersOn',
    type: 'texts',
    attribute: ownAttributes.filtersOn,
    absent: [],
    parts: 'SCHEMA.TABLE.COLUMN',
    title:
      'The columns on which it depends which rows there are and in which order: in WHERE, JOIN, HAVING, GROUP BY, ORDER BY, DISTINCT and LIMIT, and all that code names which runs; each as SCHEMA.TABLE.COLUMN, those of a view with the columns that it reads; `*` for any.',
  },
  {
    name: 'functions',
    type: 'texts',
    attribute: ownAttributes.functions,
    absent: [],
    parts: 'SCHEMA.NAME',
    title: 'The functions that are called, each as SCHEMA.NAME.',
  },
  { name: 'hasWhere', type: 'boolean', attribute: ownAttributes.hasWhere, absent: true, title: 'False if an UPDATE or a DELETE says in no WHERE which rows.' },
  {
    name: 'rowsLimit',
    type: 'number',
    attribute: ownAttributes.rowsLimit,
    absent: Number.MAX_SAFE_INTEGER,
    title: 'The LIMIT of the query; 9007199254740991 if it has none.',
  },
];
