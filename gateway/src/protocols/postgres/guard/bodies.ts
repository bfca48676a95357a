import { readExpression } from './expressions.ts';
import { readPlpgsql } from './plpgsql.ts';
import type { Reading } from './reading.ts';
import { splitPath } from './session-settings.ts';
import { readAll } from './statements.ts';
import { constantText, list, names, ofType, textOf, tree, type Tree } from './tree.ts';

/** Reads what a function does when it is called, from its CREATE FUNCTION. */
export function readFunction(statement: Tree, reading: Reading): void {
  const options = optionsOf(statement['options']);
  readExpression([...list(statement['parameters']).flatMap(partsOf), { TypeName: tree(statement['returnType']) }], reading, null);
  if (settingsOf(statement['options']).some(({ name }) => textOf(name) === 'standard_conforming_strings')) {
    // The body may be read in another way than the parser reads it.
    reading.draft.unknown();
  }
  const leave = reading.names.within(pathOf(statement['options']), isTrue(options.get('security')));
  const { parameters } = reading;
  reading.parameters = new Set(list(statement['parameters']).map((node) => textOf(ofType(node, 'FunctionParameter')?.['name'])));
  if (statement['sql_body'] !== undefined) {
    readAll([statement['sql_body']], reading);
  } else {
    readCode(codeOf(options.get('as')), languageOf(options, 'sql'), textOf(tree(tree(options.get('volatility'))['String'])['sval']), reading);
  }
  reading.parameters = parameters;
  leave();
}

/** Reads a DO statement. */
export function readBlock(statement: Tree, reading: Reading): void {
  const options = optionsOf(statement['args']);
  readCode(codeOf(options.get('as')), languageOf(options, 'plpgsql'), '', reading);
}

function readCode(code: string | null, language: string, volatility: string, reading: Reading): void {
  if (language === 'sql' && code !== null) {
    reading.body(code);
  } else if (language === 'plpgsql' && code !== null) {
    readPlpgsql(code, reading);
  } else if ((language === 'c' || language === 'internal') && volatility === 'immutable') {
    // Only a superuser adds such a function, and PostgreSQL may compute it at any time.
    reading.draft.add('read');
  } else {
    reading.draft.add('execute');
    reading.draft.unknown();
  }
}

function optionsOf(nodes: unknown): ReadonlyMap<string, unknown> {
  return new Map(
    list(nodes).flatMap((node) => {
      const option = ofType(node, 'DefElem');
      return option === null ? [] : [[textOf(option['defname']), option['arg']] as const];
    }),
  );
}

/** Returns the default value of a parameter, which runs when the function is called, and its type, to which a value is converted. */
function partsOf(node: unknown): readonly unknown[] {
  const parameter = ofType(node, 'FunctionParameter');
  return parameter === null ? [] : [parameter['defexpr'], { TypeName: tree(parameter['argType']) }];
}

function codeOf(option: unknown): string | null {
  const [text, ...more] = ofType(option, 'List') === null ? names([option]) : names(tree(tree(option)['List'])['items']);
  return more.length === 0 ? (text ?? null) : null;
}

function languageOf(options: ReadonlyMap<string, unknown>, otherwise: string): string {
  return names([options.get('language')])[0]?.toLowerCase() ?? otherwise;
}

function isTrue(node: unknown): boolean {
  return ofType(node, 'Boolean')?.['boolval'] === true;
}

/** Returns the settings that a function sets for itself. */
function settingsOf(nodes: unknown): readonly Tree[] {
  return list(nodes)
    .map((node) => ofType(ofType(node, 'DefElem')?.['arg'], 'VariableSetStmt'))
    .filter((setting) => setting !== null);
}

/** Returns the search path that a function sets for itself; null if it sets none. */
function pathOf(nodes: unknown): readonly string[] | null {
  for (const setting of settingsOf(nodes)) {
    if (textOf(setting['name']) === 'search_path' && (setting['kind'] ?? 'VAR_SET_VALUE') === 'VAR_SET_VALUE') {
      const values = list(setting['args']).map(constantText);
      return values.every((value) => value !== null) ? values.flatMap((value) => (values.length === 1 ? splitPath(value) : [value])) : null;
    }
  }
  return null;
}
