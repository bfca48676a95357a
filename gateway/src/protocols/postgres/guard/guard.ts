import type { Catalogue, Found } from './catalogue.ts';
import { FactsDraft, unknownFacts, type StatementFacts } from './facts.ts';
import { lineageOf, rowsOfRelation, type StatementLineage } from './lineage.ts';
import { noSources, sourcesOf, type Output, type Rowset } from './rowset.ts';
import { catalogueOf, type LearnedObjects, type SessionNames } from './learned-catalogue.ts';
import type { SqlParser } from './parser.ts';
import { Reading } from './reading.ts';
import { Names } from './resolve.ts';
import { partsOfSent } from './sent-text.ts';
import { shapeOf } from './shape.ts';
import { readPlanned, readStatements } from './statements.ts';

/** Most texts, and most characters of texts, whose facts are kept. */
const textsMax = 2_000;
const charactersMax = 8 * 1024 * 1024;
/** Most texts of which the lineage is kept, and the longest of them. */
const lineagesMax = 500;
const lineageLengthMax = 64 * 1024;
/** The kinds of statements of which PostgreSQL estimates how many rows they change. */
const changing = ['update', 'delete', 'merge'];

/** Where the results of texts come from by one catalogue, and the columns of its relations. */
interface Lineages {
  readonly catalogue: Catalogue;
  readonly known: Map<string, readonly StatementLineage[] | null>;
  readonly relations: Map<Found, Rowset>;
}

/** Finds what texts of SQL do, and keeps what it found: by text, and by shape where all texts of one shape do the same. */
export class Guard {
  readonly #parser: SqlParser;
  readonly #texts = new KeptFacts();
  readonly #shapes = new KeptFacts();
  #lineages: Lineages | null = null;
  /** The newest catalogue of a session that has changed nothing. Such sessions share it, and so the facts. */
  #plain: {
    readonly objects: LearnedObjects | null;
    readonly session: string;
    readonly functions: Catalogue['functions'];
    readonly catalogue: Catalogue;
  } | null = null;

  constructor(parser: SqlParser) {
    this.#parser = parser;
  }

  /** Returns the facts of a text as `sentText` gives it, the same object for the same text and catalogue as long as it is kept. */
  statementFacts(text: string, catalogue: Catalogue): StatementFacts {
    const known = this.#texts.find(text, catalogue);
    if (known !== null) {
      return known;
    }
    const shape = shapeOf(text);
    const facts = (shape === null ? null : this.#shapes.find(shape, catalogue)) ?? this.#read(text, shape, catalogue);
    this.#texts.keep(text, { catalogue, facts });
    return facts;
  }

  /** Returns where the results of a text's statements come from, one for each; null if the text cannot be read. */
  lineage(text: string, catalogue: Catalogue): readonly StatementLineage[] | null {
    const { known } = this.#lineagesOf(catalogue);
    const found = known.get(text);
    const lineage = found === undefined ? lineageOf(text, catalogue, this.#parser) : found;
    if (text.length <= lineageLengthMax) {
      known.set(text, lineage);
    }
    return lineage;
  }

  /** Returns a column of a relation, with where it comes from. */
  column(found: Found, attribute: number, catalogue: Catalogue): Output {
    const { relations } = this.#lineagesOf(catalogue);
    const rows = relations.get(found) ?? rowsOfRelation(found, catalogue, this.#parser);
    relations.set(found, rows);
    if (attribute < 0) {
      // A column that every table has.
      return { name: '', sources: noSources, isPlain: true };
    }
    const at = found.numbers === undefined ? attribute - 1 : found.numbers.indexOf(attribute);
    return rows.columns[at] ?? { name: '', sources: sourcesOf(rows), isPlain: false };
  }

  #lineagesOf(catalogue: Catalogue): Lineages {
    if (this.#lineages?.catalogue !== catalogue || this.#lineages.known.size >= lineagesMax) {
      this.#lineages = { catalogue, known: new Map(), relations: new Map() };
    }
    return this.#lineages;
  }

  #read(text: string, shape: string | null, catalogue: Catalogue): StatementFacts {
    const draft = readText(text, catalogue, this.#parser, false);
    const facts = draft?.finish() ?? unknownFacts;
    if (shape !== null && draft?.isOfConstants === false) {
      this.#shapes.keep(shape, { catalogue, facts });
    }
    return facts;
  }

  /**
   * Returns whether the target can plan a text of a session without running anything but functions of its own that have no side effects. The text must be one
   * statement that changes or deletes rows, and each of its tables one that the catalogue knows. Nothing is kept.
   */
  isPlannable(text: string, catalogue: Catalogue): boolean {
    const draft = readText(text, catalogue, this.#parser, true);
    return draft !== null && !draft.plansOthers && !draft.effects.has('unknown') && changing.some((kind) => draft.statements.has(kind));
  }

  /** Returns the catalogue of a session. */
  catalogueOf(objects: LearnedObjects | null, session: SessionNames): Catalogue {
    if (session.made.size > 0) {
      return catalogueOf(objects, session);
    }
    const key = JSON.stringify(session.paths ?? null);
    if (this.#plain?.objects !== objects || this.#plain.session !== key || this.#plain.functions !== session.functions) {
      this.#plain = { objects, session: key, functions: session.functions, catalogue: catalogueOf(objects, session) };
    }
    return this.#plain.catalogue;
  }
}

/** Facts of texts with the catalogue by which they were found. There is a limit to what is kept. */
class KeptFacts {
  /** The least recently added is the first. */
  readonly #known = new Map<string, { readonly catalogue: Catalogue; readonly facts: StatementFacts }>();
  #characters = 0;

  find(text: string, catalogue: Catalogue): StatementFacts | null {
    const known = this.#known.get(text);
    return known?.catalogue === catalogue ? known.facts : null;
  }

  keep(text: string, found: { readonly catalogue: Catalogue; readonly facts: StatementFacts }): void {
    if (this.#known.delete(text)) {
      this.#characters -= text.length;
    }
    this.#known.set(text, found);
    this.#characters += text.length;
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= textsMax && this.#characters <= charactersMax) {
        return;
      }
      this.#known.delete(oldest);
      this.#characters -= oldest.length;
    }
  }
}

/** Reads a text, or what the target does to plan it. Null: it nests deeper than the stack allows. */
function readText(sent: string, catalogue: Catalogue, parser: SqlParser, isPlanned: boolean): FactsDraft | null {
  const draft = new FactsDraft();
  const { text, types } = partsOfSent(sent);
  try {
    const reading = new Reading(parser, new Names(catalogue, draft), draft, readStatements);
    for (const type of types) {
      reading.callTypeOf(type);
    }
    if (isPlanned) {
      readPlanned(text, reading);
    } else {
      readStatements({ sql: text }, reading);
    }
  } catch (error) {
    if (error instanceof RangeError) {
      return null;
    }
    throw error;
  }
  return draft;
}
