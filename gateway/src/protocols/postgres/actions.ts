import type { Action, ActionDefinition, Attributes } from '../../domain/action.ts';

export const actions: readonly ActionDefinition[] = [
  { name: 'postgres.connect', title: 'Connect to a database' },
  { name: 'postgres.query', title: 'Run statements (simple query)' },
  { name: 'postgres.execute', title: 'Execute a statement with parameters' },
  { name: 'postgres.prepare', title: 'Prepare, describe or close a statement' },
  { name: 'postgres.copy', title: 'Send COPY data' },
  { name: 'postgres.function_call', title: 'Call a function (fast path)' },
  { name: 'postgres.cancel', title: 'Cancel the running statement' },
  { name: 'postgres.refuse', title: 'Fail the transaction of a refused statement' },
];

const none: Attributes = {};

/** Attributes that hold for a whole connection are on its `postgres.connect` record; these are the ones that change. */
export function action(name: string, attributes: Attributes = none): Action {
  return { name, attributes };
}
