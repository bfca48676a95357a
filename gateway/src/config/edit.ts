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
 * Adds an entry to the configuration file, which is made if there is none; comments, order and mode stay. `validate` sees the new text before the
 * file is replaced, in one step. Errors: `conflict` when the name is taken, `config_invalid`, and what `validate` throws.
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
    // `targets: {}` is how an empty section is written, not how it is to grow.
    section.flow = false;
  }
  document.setIn(path, document.createNode(entry.value, { flow: entry.section === 'principals' }));
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: true }).replaceAll(/^(targets|principals): \{ *\}$/gm, '$1:');
  validate(text);
  writeWholeFile(existsSync(file) ? realpathSync(file) : file, text, { mode: newFileMode });
}

/** The text with `{}` behind the name of a section below which there are only comments: so these comments stay where they are. */
function withBraces(text: string): string {
  const document = parseDocument(text);
  const places = liveSections.flatMap((name) => {
    const section = document.get(name, true);
    return isScalar(section) && section.source === '' && section.range ? [section.range[0]] : [];
  });
  return places.toSorted((one, other) => other - one).reduce((changed, at) => `${changed.slice(0, at)} {}${changed.slice(at)}`, text);
}
