import type { ActionDefinition, Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Unit } from './client-units.ts';
import type { StatementFacts } from './guard/facts.ts';

/** The catalogue of actions. The text of a statement is in the record's content; attributes hold only facts that are cheap to find before it moves. */
export const actions = [
  { name: 'postgres.connect', title: 'Connect to a database', isWithoutText: true },
  { name: 'postgres.query', title: 'Run a simple query' },
  { name: 'postgres.execute', title: 'Run a prepared statement with its parameters' },
  { name: 'postgres.prepare', title: 'Prepare, describe or close statements without running them' },
  { name: 'postgres.copy', title: 'Send COPY data', isWithoutText: true },
  { name: 'postgres.function_call', title: 'Call a function by its object id', isWithoutText: true },
  { name: 'postgres.cancel', title: 'Cancel the running statement', isWithoutText: true },
  { name: 'postgres.refuse', title: 'Make the target fail where a statement was refused', isWithoutText: true },
] as const satisfies readonly ActionDefinition[];

export type ActionName = (typeof actions)[number]['name'];

export const unitActions = {
  query: 'postgres.query',
  call: 'postgres.function_call',
  execute: 'postgres.execute',
  prepare: 'postgres.prepare',
  copy: 'postgres.copy',
} as const satisfies Readonly<Record<Exclude<Unit['kind'], 'terminate'>, ActionName>>;

/** The attributes that all requests of a connection have. Callers make them once and reuse the object, so that it need not be printed again. */
export function connectionAttributes(database: string): Attributes {
  return { 'db.system.name': 'postgresql', ...(database === '' ? {} : { 'db.namespace': database }) };
}

/** Returns the facts of a statement as attributes. An empty list is left out. */
export function statementAttributes(facts: StatementFacts): Attributes {
  const { effects, statements, reads, writes, columns, filters, functions, hasWhere, rowsLimit } = facts;
  const lists = {
    [ownAttributes.statements]: statements,
    [ownAttributes.tables]: [...new Set([...reads, ...writes])].toSorted(),
    [ownAttributes.reads]: reads,
    [ownAttributes.writes]: writes,
    [ownAttributes.columns]: columns,
    [ownAttributes.filtersOn]: filters,
    [ownAttributes.functions]: functions,
  };
  return {
    [ownAttributes.effects]: effects,
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
    [ownAttributes.hasWhere]: hasWhere,
    ...(rowsLimit === null ? {} : { [ownAttributes.rowsLimit]: rowsLimit }),
  };
}
