import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { GatewayError } from '../domain/errors.ts';

/**
 * Adds an entry to `section` of the configuration file; comments and order stay. `validate` sees the new text before the file is replaced, in
 * one step. Errors: `conflict` when the name is taken, and what `validate` throws.
 */
export function addToConfig(
  file: string,
  entry: { readonly section: 'targets' | 'principals'; readonly name: string; readonly value: unknown },
  validate: (text: string) => unknown,
): void {
  const document = parseDocument(readFileSync(file, 'utf8'));
  if (document.hasIn([entry.section, entry.name])) {
    throw new GatewayError('conflict', `${file} has ${entry.section}.${entry.name} already: edit it there.`);
  }
  document.setIn([entry.section, entry.name], document.createNode(entry.value, { flow: entry.section === 'principals' }));
  const text = document.toString({ lineWidth: 0 });
  validate(text);
  const temporary = `${file}.new`;
  writeFileSync(temporary, text, { mode: statSync(file).mode & 0o777 });
  renameSync(temporary, file);
}
