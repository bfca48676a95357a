import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { unknownCatalogue, type Catalogue } from '../../guard/catalogue.ts';
import { catalogueOf, LearnedObjects, type CatalogueRow } from '../../guard/learned-catalogue.ts';

/** A list, or its elements with a space between them. */
const words = z.union([z.array(z.string()), z.string().transform((text) => (text === '' ? [] : text.split(' ')))]);

const corpusCase = z.strictObject({
  sql: z.string(),
  /** Why the case is here, if the text does not say so. */
  about: z.string().optional(),
  effects: words,
  statements: words,
  reads: words.default([]),
  writes: words.default([]),
  hasWhere: z.boolean().default(true),
  rowsLimit: z.number().nullable().default(null),
  /** Not compared if they are absent. */
  columns: words.optional(),
  filters: words.optional(),
  functions: words.optional(),
  /** The search path of the session; `any` if it is not known. Without it `public` alone. */
  path: z.union([z.array(z.string()), z.literal('any')]).optional(),
  /** The catalogue that the case is read with: that of `schema.sql`, or none. */
  catalogue: z.enum(['learned', 'none']).default('learned'),
});

export type CorpusCase = z.output<typeof corpusCase>;

/** Returns the cases of all files. */
export function readCorpus(): readonly CorpusCase[] {
  return ['ordinary', 'evasions', 'definitions', 'sessions'].flatMap((name) =>
    z.array(corpusCase).parse(parse(readFileSync(join(import.meta.dirname, `${name}.yaml`), 'utf8'))),
  );
}

/** Returns the rows of the catalogue of `schema.sql`, as PostgreSQL 15 gives them to `catalogueQuery`. Of pg_catalog there are only some. */
export function readRows(): readonly CatalogueRow[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'catalogue.json'), 'utf8'));
}

/** Returns a function that gives the catalogue for a case: the same object for cases alike. */
export function cataloguesOfCases(rows: readonly CatalogueRow[]): (one: Pick<CorpusCase, 'path' | 'catalogue'>) => Catalogue {
  const objects = new LearnedObjects(rows);
  const functions = new Map([
    ['app.declared', ['read']],
    ['app.declared_handler', ['read']],
    ['app.wipe_any', ['write', 'destroy']],
  ]);
  return ({ path, catalogue }) =>
    catalogue === 'none' ? unknownCatalogue : catalogueOf(objects, { paths: path === 'any' ? null : [path ?? ['public']], made: new Set(), functions });
}
