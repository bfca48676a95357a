import type { Attributes } from '../../domain/action.ts';
import { statementAttributes } from './actions.ts';
import { unknownCatalogue, type Catalogue } from './guard/catalogue.ts';
import { Guard } from './guard/guard.ts';
import { loadParser } from './guard/parser.ts';

/** A catalogue in which every relation without a schema is in `public`. Other names are what PostgreSQL itself has. */
const assumed: Catalogue = { ...unknownCatalogue, isKnown: true, resolve: (kind, name) => (kind === 'relation' ? [{ schema: 'public', name }] : []) };

/** Reads a statement without a target: for policies that are tried out. */
export async function readExample(text: string): Promise<Attributes> {
  return statementAttributes(new Guard(await loadParser()).statementFacts(text, assumed));
}
