import { builtinEffects } from './builtins.ts';
import type { Effect } from './facts.ts';
import type { Name } from './resolve.ts';
import type { Reading } from './reading.ts';
import { readSetting } from './session-settings.ts';
import { constantText, isColumn } from './tree.ts';

const isEffect = (text: string): text is Effect => /^(?:read|write|define|destroy|execute|administer)$/.test(text);

/** Reads the call of a function: of all functions that the name may stand for. */
export function readCall(name: Name, parameters: readonly unknown[], reading: Reading): void {
  const last = name.at(-1) ?? '';
  const others = reading.names.others('function', name);
  const isBuiltin = reading.names.isBuiltin(name);
  if (isBuiltin && !isNamedByOperator(`pg_catalog.${last}`, reading)) {
    readBuiltin(last, parameters, reading);
  }
  for (const found of others) {
    if (!isNamedByOperator(`${found.schema}.${found.name}`, reading)) {
      reading.call(found);
    }
  }
  if (isBuiltin || others.length > 0) {
    return;
  }
  // A type that is written like a function is a cast.
  if (parameters.length === 1 && reading.callOthers('type', name).length > 0) {
    return;
  }
  if (!isNamedByOperator(name.join('.'), reading)) {
    reading.draft.unknown();
  }
}

/** Reads a name after a dot, `row.name`. If the row has no such column, PostgreSQL calls the function of this name with the row. */
export function readRowFunction(name: Name, reading: Reading): void {
  for (const found of reading.names.others('function', name)) {
    if (!isNamedByOperator(`${found.schema}.${found.name}`, reading)) {
      reading.call(found);
    }
  }
}

/** Notes a function. Returns whether the operator says what it does, and adds that. */
function isNamedByOperator(name: string, reading: Reading): boolean {
  reading.draft.functions.add(name);
  reading.draft.plansOthers ||= !isPlannable(name, reading);
  const effects = reading.names.catalogue.functions.get(name);
  if (effects === undefined) {
    return false;
  }
  reading.draft.add(...effects.filter(isEffect));
  return true;
}

/**
 * Returns whether planning may meet a function: it is PostgreSQL's own and has no side effects. Those that have some are volatile and not computed while planning, so
 * they may be in what belongs to a table, like `nextval` in a default.
 */
function isPlannable(name: string, reading: Reading): boolean {
  const effects = name.startsWith('pg_catalog.') ? builtinEffects(name.slice('pg_catalog.'.length)) : undefined;
  return effects !== undefined && (reading.isNested || effects.every((effect) => effect === 'read'));
}

function readBuiltin(name: string, parameters: readonly unknown[], reading: Reading): void {
  const effects = builtinEffects(name) ?? ['unknown'];
  if (!effects.includes('unknown')) {
    reading.draft.add(...effects);
    return;
  }
  reading.draft.isOfConstants = true;
  const [first, second] = parameters.map(constantText);
  if (name === 'set_config') {
    readSetting(first ?? (isColumn(parameters[0], 'name') ? reading.setting : null), second ?? null, reading);
  } else if (name === 'ts_rewrite' && parameters.length === 3) {
    reading.draft.add('read');
  } else if (name.startsWith('query_to_xml') || name === 'ts_stat') {
    readText(first ?? null, reading);
  } else if (name === 'pg_get_partition_constraintdef' || name === 'satisfies_hash_partition') {
    reading.draft.add('read');
    reading.always('partition');
  } else if (name === 'ts_rewrite') {
    readText(second ?? null, reading);
  } else {
    reading.draft.unknown();
  }
}

/** Reads a text that a function runs. It is known only if it is constant. */
function readText(text: string | null, reading: Reading): void {
  reading.draft.add('read');
  if (text === null) {
    reading.draft.unknown();
  } else {
    reading.body(text);
  }
}
