import { messagesOf, nameBytesMax, type Unit } from './client-units.ts';
import { formatAt, frameHeaderBytes, parseBackend, resultFormatsOf } from './codec.ts';
import { backend, frontend, type Column } from './messages.ts';
import { builtinOids } from './guard/builtin-oids.ts';
import { unknownLineage, type CopyForm, type StatementLineage } from './guard/lineage.ts';
import { noSources, sourcesOf, union, type Output } from './guard/rowset.ts';
import type { Described, Names } from './names.ts';
import { bytea } from './value-types.ts';

/** The form of a column's values. The format is null if nobody said it: then it may be the binary one. */
export interface ResultColumn extends Pick<Column, 'name' | 'type' | 'table' | 'attribute'> {
  readonly format: number | null;
}

/** Where the results of one unit come from. */
export interface UnitLineage {
  /** One for each statement. */
  readonly statements: readonly StatementLineage[];
  /** Returns a column with where it comes from, by its number and the object id of its relation. Null: the relation is one of PostgreSQL's own. */
  readonly column: (relation: number, attribute: number) => Output | null;
}

/** Returns the columns of a RowDescription. Throws GatewayError `malformed`. */
export function columnsIn(description: Buffer): readonly Column[] {
  const parsed = parseBackend({ type: backend.rowDescription, body: description.subarray(frameHeaderBytes) });
  return parsed.kind === 'row-description' ? parsed.columns.map((column) => ({ ...column, name: column.name.slice(0, nameBytesMax) })) : [];
}

const statementByte = 0x53;
/** A column of which nothing was said. */
const unknownColumn = { name: '', type: 0, table: 0, attribute: 0 } as const;
const nowhere: Output = { name: '', sources: noSources, isPlain: true };
/** A type whose values are numbers. */
const regproc = 24;

/**
 * The columns of the results of one unit. They are described once, perhaps long before a result comes and in another unit. Only what is described while an
 * obligation changes the answers is remembered, with what `Names` keeps of the statement or portal.
 */
export class UnitResults {
  readonly #unit: Unit;
  readonly #names: Names;
  /** Null: nothing changes or looks at the results. */
  readonly #lineage: UnitLineage | null;
  /** The type of a function's result. */
  #resultType = 0;
  /** Keeps what a message of the unit describes, by its step. */
  readonly #describes = new Map<number, (columns: readonly Column[]) => void>();
  #portal: Described | null = null;
  /** The formats of the results. Null: they are not known, because they were said before the obligation applied. */
  #formats: readonly number[] | null = null;
  /** The newest columns that the target described for the result of this unit. */
  #columns: readonly Column[] | null = null;
  /** The number of statements of the unit that are over. */
  statement = 0;

  /** The unit was sent, and the names have its changes. Throws GatewayError `malformed`. */
  constructor(unit: Unit, names: Names, lineage: UnitLineage | null) {
    this.#unit = unit;
    this.#names = names;
    this.#lineage = lineage;
    if (unit.kind === 'query') {
      this.#formats = [];
    } else if (unit.kind === 'call') {
      const [message = Buffer.alloc(0)] = messagesOf(unit.bytes);
      this.#formats = [message.readInt16BE(message.length - 2)];
      const called = builtinOids.get(message.readUInt32BE(frameHeaderBytes));
      this.#resultType = called === undefined ? 0 : called === 'loread' ? bytea : regproc;
    } else if (unit.kind !== 'copy') {
      this.#readMessages(unit);
    }
  }

  #readMessages(unit: Unit): void {
    const last = unit.changes.at(-1);
    const executed = last?.kind === 'execute' ? last.name : null;
    for (const [step, message] of [...messagesOf(unit.bytes)].entries()) {
      if (message[0] === frontend.bind) {
        this.#bound(unit, step, message);
      } else if (message[0] === frontend.describe) {
        this.#describe(unit, step, { message, executed });
      }
    }
    this.#portal = executed === null ? null : (this.#names.portal(executed) ?? null);
    this.#formats = this.#portal?.formats ?? null;
  }

  #bound({ changes }: Unit, step: number, message: Buffer): void {
    const name = changes.find((each) => each.step === step)?.name;
    const portal = name === undefined ? undefined : this.#names.portal(name);
    if (portal !== undefined) {
      portal.formats = resultFormatsOf(message.subarray(frameHeaderBytes));
    }
  }

  #describe({ changes }: Unit, step: number, { message, executed }: { readonly message: Buffer; readonly executed: string | null }): void {
    const body = message.subarray(frameHeaderBytes);
    const name = body.toString('latin1', 1, Math.min(body.length - 1, 1 + nameBytesMax));
    const isStatement = body[0] === statementByte;
    const kinds = isStatement ? ['parse', 'close-statement'] : ['bind', 'close-portal'];
    if (changes.some((change) => change.step > step && change.name === name && kinds.includes(change.kind))) {
      return;
    }
    const subject = isStatement ? this.#names.statement(name) : this.#names.portal(name);
    const { doubts } = this.#names;
    this.#describes.set(step, (columns) => {
      if (!isStatement && name === executed) {
        this.#columns = columns;
      }
      if (subject !== undefined) {
        this.#names.describe(subject, columns, doubts);
      }
    });
  }

  /** Notes what a RowDescription says, which answers the message with this step. */
  described(columns: readonly Column[], step: number): void {
    const describe = this.#describes.get(step);
    if (this.#describes.size === 0) {
      this.#columns = columns;
    } else {
      describe?.(columns);
    }
  }

  /** Notes that a statement of the unit is over. */
  statementEnded(): void {
    this.statement += 1;
    this.#columns = null;
  }

  /** Returns the forms of the columns of a row of so many. */
  columns(count: number): readonly ResultColumn[] {
    const own = this.#columns ?? this.#portal?.columns ?? null;
    const columns = own ?? this.#portal?.statement?.columns ?? null;
    return Array.from({ length: count }, (_, i) => {
      const column = columns?.length === count ? columns[i] : undefined;
      const said = this.#formats === null ? undefined : formatAt(this.#formats, i);
      // The description of a statement does not know the format yet.
      return { ...(column ?? { ...unknownColumn, type: this.#resultType }), format: (own === null ? said : (column?.format ?? said)) ?? null };
    });
  }

  /** True if these words are in what the client sent, so that it knows them. */
  asks(words: string): boolean {
    return [...messagesOf(this.#unit.bytes)].some((message) => message.includes(words));
  }

  /** The form in which the statement that runs copies rows to the client; null if that is not known. */
  get copy(): CopyForm | null {
    return this.#lineage?.statements[this.statement]?.copy ?? null;
  }

  /** Returns where a column of the result comes from. */
  origin({ table, attribute }: ResultColumn, at: number, count: number): Output {
    const lineage = this.#lineage;
    if (lineage === null) {
      return nowhere;
    }
    const known = table === 0 ? null : lineage.column(table, attribute);
    const { rows, assigned, said } = lineage.statements[this.statement] ?? unknownLineage;
    if (known !== null) {
      return assigned.size === 0 ? known : { ...known, sources: union([known.sources, assigned]), isPlain: false };
    }
    if (rows.others === null && rows.columns.length === count) {
      return rows.columns[at] ?? nowhere;
    }
    return { name: '', sources: rows.others === null ? union([sourcesOf(rows), said]) : sourcesOf(rows), isPlain: false };
  }
}
