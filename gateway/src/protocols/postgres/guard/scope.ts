import { columnsMax, type FactsDraft } from './facts.ts';
import type { Relation } from './resolve.ts';

/** One entry of a FROM clause. `relation` is null for a query, a function or a name of WITH: their columns were noted where they are made. */
export interface Source {
  readonly alias: string;
  readonly relation: Relation | null;
}

/** The tables whose columns an expression may name, and the names of WITH that hide tables. */
export class Scope {
  readonly parent: Scope | null;
  readonly sources: Source[] = [];
  readonly ctes = new Set<string>();

  constructor(parent: Scope | null) {
    this.parent = parent;
  }

  hasCte(name: string): boolean {
    return this.ctes.has(name) || this.parent?.hasCte(name) === true;
  }

  /**
   * Notes the columns that a name stands for. Returns false if a relation has the name's qualifier and no such column, so that the name may stand for a
   * function of the row.
   */
  note(fields: readonly string[], draft: FactsDraft): boolean {
    const column = fields.at(-1) ?? '';
    const qualifier = fields.at(-2);
    if (qualifier === undefined) {
      this.#noteBare(column, draft);
      return true;
    }
    const source = this.#find(qualifier, fields.at(-3));
    if (source === null) {
      return true;
    }
    if (column === '*') {
      noteAll(source, draft);
      return true;
    }
    return noteColumn(source, column, draft);
  }

  #find(alias: string, schema: string | undefined): Source | null {
    const found = this.sources.find(
      (each) => each.alias === alias && (schema === undefined || each.relation === null || each.relation.tables.includes(`${schema}.${alias}`)),
    );
    return found ?? (this.parent === null ? null : this.parent.#find(alias, schema));
  }

  #noteBare(column: string, draft: FactsDraft): void {
    if (column === '*') {
      for (const source of this.sources) {
        noteAll(source, draft);
      }
      return;
    }
    const sure = this.sources.filter(({ relation }) => relation?.columns?.includes(column) === true);
    if (sure.length > 0) {
      for (const source of sure) {
        noteColumn(source, column, draft);
      }
      return;
    }
    for (const source of this.sources) {
      if (source.relation?.columns === null) {
        noteColumn(source, column, draft);
      }
      if (source.alias === column) {
        // The name of a table stands for its whole row.
        noteAll(source, draft);
      }
    }
    if (this.parent !== null) {
      this.parent.#noteBare(column, draft);
    }
  }
}

/** Notes all columns of a source. */
export function noteAll({ relation }: Source, draft: FactsDraft): void {
  if (relation === null) {
    return;
  }
  if (relation.columns === null || relation.columns.length > columnsMax) {
    draft.columns.add('*');
    return;
  }
  for (const found of relation.found) {
    for (const column of found.columns ?? []) {
      draft.columns.add(`${found.schema}.${found.name}.${column}`);
    }
  }
}

/** Notes a column of a source. Returns false if the source has none of this name. */
export function noteColumn({ relation }: Source, column: string, draft: FactsDraft): boolean {
  if (relation === null) {
    return false;
  }
  if (relation.columns === null) {
    for (const table of relation.tables) {
      draft.columns.add(`${table}.${column}`);
    }
    return false;
  }
  let has = false;
  for (const found of relation.found) {
    if (found.columns?.includes(column) === true) {
      draft.columns.add(`${found.schema}.${found.name}.${column}`);
      has = true;
    }
  }
  return has;
}
