import type { DataClass } from '../domain/data-class.ts';
import { placePattern } from '../domain/value-place.ts';

type PlacedClass = Pick<DataClass, 'name' | 'columns' | 'fields' | 'classes'>;

interface Source {
  readonly name: string;
  readonly place: RegExp;
  /** The table of a column; null for a field. */
  readonly table: RegExp | null;
  readonly target: RegExp;
}

/** Most sources of which the classes are remembered. */
const rememberedMax = 10_000;
const anyColumn = '.*';
const anyMember = '/*';
const none: readonly string[] = [];

/** Tells the classes of a value by where it comes from. */
export class ClassSources {
  readonly #sources: readonly Source[];
  readonly #classes: ReadonlyMap<string, PlacedClass>;
  readonly #remembered = new Map<string, readonly string[]>();

  constructor(classes: Iterable<PlacedClass>) {
    const named = new Map(Array.from(classes, (each) => [each.name, each]));
    this.#classes = named;
    const placed = [...named.keys()].flatMap((name) =>
      [...namesWithin(name, named)].map((inner) => ({ name, columns: named.get(inner)?.columns ?? [], fields: named.get(inner)?.fields ?? [] })),
    );
    this.#sources = placed.flatMap(({ name, columns, fields }) => [
      ...columns.map((column) => ({
        name,
        place: placePattern(column),
        table: placePattern(column.slice(0, Math.max(0, column.lastIndexOf('.')))),
        target: placePattern(column.slice(0, column.indexOf('/'))),
      })),
      ...fields.map((field) => ({ name, place: placePattern(field), table: null, target: placePattern(field.slice(0, field.indexOf(':'))) })),
    ]);
  }

  /** Returns the classes of a value from this source at a target: `SCHEMA.TABLE.COLUMN`, where the column `*` is any of its table and `*` alone any of the target, or `/MEMBER/INDEX`, where the member `*` alone is any of the target. A source `!CLASS` is of that class and of all that have it within them. */
  of(target: string, named: string): readonly string[] {
    if (named.startsWith('!')) {
      const name = named.slice(1);
      return [name, ...[...this.#classes.keys()].filter((outer) => outer !== name && namesWithin(outer, this.#classes).has(name))];
    }
    if (this.#sources.length === 0 || named.startsWith('=')) {
      return none;
    }
    const source = `${target}${named.startsWith('/') ? ':' : '/'}${named}`;
    const known = this.#remembered.get(source);
    if (known !== undefined) {
      return known;
    }
    const isAny = named === '*' || named === anyMember;
    const isOf = (each: Source): boolean => (isAny ? (each.table === null) === (named === anyMember) && each.target.test(target) : isFrom(each, source));
    const found = new Set(this.#sources.filter(isOf).map(({ name }) => name));
    if (this.#remembered.size >= rememberedMax) {
      this.#remembered.clear();
    }
    const classes = found.size === 0 ? none : [...found];
    this.#remembered.set(source, classes);
    return classes;
  }
}

/** Returns the names of a class and of all classes whose values are of it too. */
function namesWithin(name: string, classes: ReadonlyMap<string, PlacedClass>, found = new Set<string>()): ReadonlySet<string> {
  if (!found.has(name)) {
    found.add(name);
    for (const inner of classes.get(name)?.classes ?? []) {
      namesWithin(inner, classes, found);
    }
  }
  return found;
}

function isFrom({ place, table }: Source, source: string): boolean {
  return place.test(source) || (table !== null && source.endsWith(anyColumn) && table.test(source.slice(0, -anyColumn.length)));
}
