import { GatewayError } from '../domain/errors.ts';

const aliasesMax = 100;

/** Returns what a document says, as plain data. Throws GatewayError `config_invalid` if its aliases would make too much of it. */
export function toPlain(document: { toJS(options: { maxAliasCount: number }): unknown }, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasesMax });
  } catch (cause) {
    throw new GatewayError('config_invalid', `${file}: more than ${aliasesMax} aliases, or one that refers to itself.`, { cause });
  }
}
