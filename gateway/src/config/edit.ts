import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { isMap, isScalar, parseDocument } from 'yaml';
import { GatewayError } from '../domain/errors.ts';
import { writeWholeFile } from '../store/whole-file.ts';
import { liveSections } from './sections.ts';

const newFileMode = 0o640;

export interface ConfigEntry {
  readonly section: 'targets' | 'principals';
  readonly name: string;
  readonly value: unknown;
}

/**
 * Adds an entry to the configuration file, and makes the file if there is none. Comments, order and mode stay as they are. `validate` gets the new text before
 * the file is replaced in one step. Throws GatewayError `conflict` if the name is taken, `config_invalid`, and what `validate` throws.
 */
export function addToConfig(file: string, entry: ConfigEntry, validate: (text: string) => void): void {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const document = parseDocument(withBraces(before));
  if (document.errors.length > 0) {
    validate(before);
    throw new GatewayError('config_invalid', `${file} cannot be edited: it is not YAML.`);
  }
  const path = [entry.section, entry.name];
  if (document.hasIn(path)) {
    throw new GatewayError('conflict', `${file} has ${path.join('.')} already: edit it there.`);
  }
  const section = document.get(entry.section);
  if (isMap(section) && section.items.length === 0) {
    // An empty section is written as `targets: {}`, but entries are written one below the other.
    section.flow = false;
  }
  document.setIn(path, document.createNode(entry.value, { flow: entry.section === 'principals' }));
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: true }).replaceAll(/^(targets|principals): \{ *\}$/gm, '$1:');
  validate(text);
  writeWholeFile(existsSync(file) ? realpathSync(file) : file, text, { mode: newFileMode });
}

/** Writes `{}` after the name of a section that contains only comments, so that these comments stay in their place. */
function withBraces(text: string): string {
  const document = parseDocument(text);
  const places = liveSections.flatMap((name) => {
    const section = document.get(name, true);
    return isScalar(section) && section.source === '' && section.range ? [section.range[0]] : [];
  });
  return places.toSorted((one, other) => other - one).reduce((changed, at) => `${changed.slice(0, at)} {}${changed.slice(at)}`, text);
}
