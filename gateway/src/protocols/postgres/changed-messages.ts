import { strict as assert } from 'node:assert';
import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../../domain/errors.ts';
import { sliceUnits, type Slices, type TextChange } from '../../domain/text-change.ts';
import { ChangedFrames } from '../../content/changed-frames.ts';
import { atOnce } from '../../content/in-turns.ts';
import type { TextFrame } from '../../content/text-frame.ts';
import { SlicedTexts } from '../../content/sliced-texts.ts';
import type { AnswerStage } from './answer-stage.ts';
import { beginsBinary, binaryRow } from './binary-rows.ts';
import { changedValue, orNull, type ValueChange } from './changed-value.ts';
import { CopiedRows, type WholeRows } from './copied-rows.ts';
import { frameHeaderBytes } from './codec.ts';
import type { Conversation } from './conversation.ts';
import type { Found } from './guard/catalogue.ts';
import { anySource, noSources } from './guard/rowset.ts';
import { backend, type Column } from './messages.ts';
import { maskNotification, maskParameter, maskSaid } from './said-values.ts';
import { changedRow, isRow, textMessage } from './text-message.ts';
import { columnsIn, type ResultColumn, type UnitResults } from './unit-results.ts';

export interface ChangedMessagesOptions {
  readonly conversation: Conversation;
  /** Most bytes of a message, and of a row of COPY data, that are held whole. */
  readonly heldBytesMax: number;
  readonly typeOf: (oid: number) => Found | undefined;
  /** Present: the texts are only looked at, and the looks are told where each value comes from. `isNoted`: another stage notes what messages say of the rows that come. */
  readonly look?: { readonly isNoted: () => boolean };
}

/** A column with the changes of its values. */
interface ChangedColumn extends ResultColumn {
  readonly change: ValueChange;
}

/** A RowDescription with its texts, which are the names of the columns, and with what it says of the columns. */
interface Description {
  readonly bytes: Buffer;
  readonly frame: TextFrame;
  readonly columns: readonly Column[];
}

/** A longer RowDescription is read each time it comes. */
const descriptionBytesMax = 4096;
/** Names that PostgreSQL gives to columns without a name. */
const ownNames: ReadonlySet<string> = new Set(
  `?column? array bool bpchar btrim bytea case coalesce date date_part exists extract float4 float8 greatest inet int2 int4 int8 interval json jsonb least ltrim name nullif
  numeric oid overlay position regclass row rtrim substring text time timestamp timestamptz timetz timezone uuid varchar`.split(/\s+/),
);
const noColumns: readonly ResultColumn[] = [];

/** Changes the texts of the target's messages. Only messages with texts that an obligation changes, and those that describe them, come here, each of them whole. */
export class ChangedMessages implements AnswerStage {
  readonly #next: AnswerStage;
  readonly #options: ChangedMessagesOptions;
  #changes: readonly TextChange[] = [];
  #texts = new SlicedTexts([]);
  /** The columns of the rows that come, of these results. Null: the next row is the first one. */
  #columns: readonly ChangedColumn[] | null = null;
  #results: UnitResults | null = null;
  /** Null: no row of COPY data waits for its end. */
  #frames: ChangedFrames | null = null;
  /** Null: no row of COPY data is changed column by column. */
  #rows: CopiedRows | null = null;
  /** The newest RowDescription. Null: there was none, or it is long. */
  #description: Description | null = null;
  /** True if rows of COPY data come in the binary format. They are only looked at. */
  #isBinaryCopy = false;

  constructor(next: AnswerStage, options: ChangedMessagesOptions) {
    this.#next = next;
    this.#options = options;
  }

  /** True if a row of COPY data may wait for its end. */
  get isHolding(): boolean {
    return this.#frames !== null || this.#rows !== null || this.#isBinaryCopy;
  }

  /** Sets the changes for the next messages. */
  use(changes: readonly TextChange[]): void {
    if (changes !== this.#changes) {
      this.end();
      this.#changes = changes;
      this.#texts = new SlicedTexts(changes);
      this.#columns = null;
    }
  }

  headBytes(_type: number, length: number): number {
    const { heldBytesMax } = this.#options;
    if (length - 1 > heldBytesMax) {
      throw new GatewayError('limit_exceeded', `Policy changes texts of this result, and a message of it is longer than ${heldBytesMax} bytes.`);
    }
    return length;
  }

  begin(bytes: Buffer, at: number, end: number): Slices<void> | null {
    if (isRow(bytes[at] ?? 0) && end - at <= sliceUnits) {
      // Most messages are short rows, so they take the shortest way.
      const message = bytes.subarray(at, end);
      this.#pass(changedRow(message, this.#changeValue), message, bytes, at);
      return null;
    }
    const work = this.#changed(bytes, at, end);
    return work.next().done === true ? null : work;
  }

  *#changed(bytes: Buffer, at: number, end: number): Slices<void> {
    const type = bytes[at] ?? 0;
    const message = bytes.subarray(at, end);
    if (isRow(type)) {
      this.#pass(yield* this.#inSlices(message, () => changedRow(message, this.#changeValue)), message, bytes, at);
    } else if (type === backend.rowDescription || type === backend.commandComplete) {
      this.#note(type, message);
      this.#pass(type === backend.rowDescription ? yield* this.#inSlices(message, () => this.#named(message)) : message, message, bytes, at);
    } else if (type === backend.copyData && this.#isBinary(message)) {
      yield* this.#inSlices(message, () => {
        this.#lookAtRow(binaryRow(message.subarray(frameHeaderBytes)));
      });
    } else if (type === backend.copyData && this.#copied() !== null) {
      yield* this.#changeCopied(this.#rows?.push(message) ?? null);
    } else {
      if (type === backend.error) {
        yield* this.#changeCopied(this.#rows?.end() ?? null);
      }
      const masked = yield* this.#inSlices(message, () => this.#masked(type, message));
      if (type === backend.parameterStatus) {
        this.#release([yield* this.#inSlices(masked, () => this.#changedTexts(masked))]);
        return;
      }
      this.#frames ??= new ChangedFrames(this.#changes, this.#options.heldBytesMax);
      this.#release(yield* this.#frames.pushInSlices(textMessage(masked)));
      if (type === backend.error) {
        this.end();
      }
    }
  }

  #inSlices<Result>(message: Buffer, read: () => Result): Slices<Result> {
    return this.#texts.inSlices(message.length, read);
  }

  *#changeCopied(copied: WholeRows | null): Slices<void> {
    const rows = this.#rows;
    if (copied !== null && rows !== null) {
      this.#release([yield* this.#inSlices(copied.data, () => rows.changed(copied))]);
    }
  }

  /** Returns a message that is no row with the values masked that it may hold by where they come from. */
  #masked(type: number, message: Buffer): Buffer {
    const { said } = this.#options.conversation;
    const mask = (sources: Iterable<string>) => (text: string) => this.#texts.change(text, [...sources], true);
    if (type === backend.notification) {
      return this.#isCovered('*') ? maskNotification(message, mask(anySource), this.#options.conversation.channels) : message;
    }
    if (type === backend.parameterStatus && !/^.{5}application_name\0/s.test(message.toString('latin1', 0, 64))) {
      return message;
    }
    const sources = type === backend.copyData ? [] : [...said.sources].filter((source) => this.#isCovered(source));
    if (sources.length === 0) {
      return message;
    }
    if (type === backend.parameterStatus) {
      return maskParameter(message, mask(sources));
    }
    const isMasked = (table: string, column: string): boolean =>
      this.#isCovered(`${table}.${column}`) || sources.some((source) => source.endsWith(`.${column}`) || (source.endsWith('*') && source !== `${table}.*`));
    return maskSaid(message, { mask: mask(sources), isOfCode: said.isOfCode, isMasked });
  }

  /** Returns a RowDescription with the names of columns changed. Where code that nobody could read may have made a column, its name may be any value. */
  #named(message: Buffer): Buffer {
    const results = this.#options.conversation.current?.results ?? null;
    const columns = results === null || !this.#isCovered('*') ? noColumns : results.columns(message.readUInt16BE(frameHeaderBytes));
    return this.#changedIn(this.#read(message).frame, message, (name, at) => {
      const column = columns[at];
      const sources =
        results === null || column === undefined || ownNames.has(name) || results.asks(name) ? noSources : results.origin(column, at, columns.length).sources;
      return sources.has('*') ? [...sources] : undefined;
    });
  }

  #changedTexts(message: Buffer): Buffer {
    return this.#changedIn(textMessage(message), message);
  }

  #changedIn(frame: TextFrame, message: Buffer, sourcesOf: (text: string, at: number) => readonly string[] | undefined = () => undefined): Buffer {
    const changed = frame.texts.map(({ text }, at) => this.#texts.change(text, sourcesOf(text, at), true));
    return changed.every((text, at) => text === frame.texts[at]?.text) ? message : frame.compose(changed);
  }

  /** Reads a RowDescription. The same one comes with each execution of a statement. */
  #read(description: Buffer): Description {
    const known = this.#description;
    if (known?.bytes.equals(description) === true) {
      return known;
    }
    const bytes = Buffer.from(description);
    const read = { bytes, frame: textMessage(bytes), columns: columnsIn(bytes) };
    this.#description = bytes.length > descriptionBytesMax ? null : read;
    return read;
  }

  #isCovered(source: string): boolean {
    return this.#changes.some(({ covers }) => covers?.(source) === true);
  }

  #isBinary(message: Buffer): boolean {
    const isBegin = this.#options.look !== undefined && this.#frames === null && this.#rows === null;
    this.#isBinaryCopy ||= isBegin && beginsBinary(message.subarray(frameHeaderBytes));
    return this.#isBinaryCopy;
  }

  /** Looks at the texts of a row of COPY data in the binary format. Nothing says the types of its values, so those that are no text are missed. */
  #lookAtRow(values: readonly (Buffer | null)[]): void {
    if (this.#columns?.length !== values.length) {
      this.#columns = this.#columnsOf(this.#options.conversation.current?.results ?? null, values.length);
    }
    for (const [at, value] of values.entries()) {
      if (value !== null && isUtf8(value) && !value.includes(0)) {
        this.#columns[at]?.change.text(value.toString());
      } else if (value !== null) {
        this.#missed(value);
      }
    }
  }

  /** Returns what changes the rows of COPY data column by column; null if their columns are not known, or each row is a text. Throws GatewayError `unsupported`. */
  #copied(): CopiedRows | null {
    const results = this.#options.conversation.current?.results ?? null;
    if (this.#rows !== null || this.#frames !== null || results === null) {
      return this.#rows;
    }
    const { copy } = results;
    if (!this.#isCovered('*') && (copy === null || copy.format === 'binary')) {
      return null;
    }
    if (copy === null) {
      throw new GatewayError('unsupported', 'Policy masks columns of this target, and which columns this COPY writes is not known. Use SELECT.');
    }
    const change = (text: string, at: number, count: number): string | null => {
      if (this.#columns?.length !== count) {
        this.#columns = this.#columnsOf(results, count);
      }
      const column = this.#columns[at];
      return column === undefined ? null : orNull(text, column.change.text(text));
    };
    this.#rows = new CopiedRows(copy, change, this.#options.heldBytesMax);
    return this.#rows;
  }

  rest(): never {
    assert.fail('a message that is changed comes whole');
  }

  /** Ends a row of COPY data that waits, and gives it on. */
  end(): void {
    const rows = this.#rows?.end() ?? null;
    atOnce(this.#changeCopied(rows));
    this.#rows = null;
    this.#isBinaryCopy = false;
    const frames = this.#frames;
    this.#frames = null;
    if (frames !== null) {
      this.#release(frames.end());
    }
  }

  /** Notes what a message says of the rows that come. */
  #note(type: number, message: Buffer): void {
    const { current } = this.#options.conversation;
    this.#columns = null;
    this.end();
    if (this.#options.look?.isNoted() === true) {
      return;
    }
    if (type === backend.commandComplete) {
      current?.results?.statementEnded();
    } else {
      current?.results?.described(this.#read(message).columns, current.done);
    }
  }

  readonly #changeValue = (value: Buffer, at: number, count: number): Buffer | null => {
    const results = this.#options.conversation.current?.results ?? null;
    if (this.#columns?.length !== count || this.#results !== results) {
      this.#results = results;
      this.#columns = this.#columnsOf(results, count);
    }
    const column = this.#columns[at];
    if (column === undefined || column.format === null) {
      if (this.#options.look !== undefined) {
        return this.#missed(value);
      }
      throw new GatewayError(
        'unsupported',
        'Policy changes texts of this result, and whether they are in the text format is not known, because they were asked for before. Bind the statement anew.',
      );
    }
    return this.#orMissed(value, () => changedValue(value, { type: column.type, format: column.format ?? 0 }, column.change));
  };

  /** A value whose texts cannot be found is refused where they are changed. Where they are looked at, it is missed, and the others of its row are not. */
  #orMissed(value: Buffer, change: () => Buffer | null): Buffer | null {
    if (this.#options.look === undefined) {
      return change();
    }
    try {
      return change();
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      return this.#missed(value);
    }
  }

  #missed(value: Buffer): Buffer {
    this.#changes.forEach(({ look }) => look?.missed());
    return value;
  }

  #columnsOf(results: UnitResults | null, count: number): readonly ChangedColumn[] {
    const { typeOf } = this.#options;
    return (results?.columns(count) ?? []).map((column, at) => {
      const { name, sources, isPlain } = results?.origin(column, at, count) ?? { name: '', sources: noSources, isPlain: true };
      const covered = [...sources].filter((source) => this.#isCovered(source));
      const isWhole = covered.length > 0;
      // The name that the client gives a column counts less than that of the column that its values come from.
      const named = [`=${column.name || name}`, ...(isWhole ? covered : sources.size > 0 ? sources : [`#${at + 1}`])];
      const sourcesIn = (member: string | null | undefined): readonly string[] => (member == null ? named : [...named, `/${member}`]);
      const change = { text: (text: string, member?: string | null) => this.#texts.change(text, sourcesIn(member), isWhole && !isPlain), isWhole, typeOf };
      return { ...column, change };
    });
  }

  /** Gives a message on. One that is the same stays a part of the bytes with which it came, so that it leaves together with its neighbours. */
  #pass(changed: Buffer, message: Buffer, bytes: Buffer, at: number): void {
    if (changed === message) {
      this.#next.begin(bytes, at, at + message.length, 0);
    } else {
      this.#release([changed]);
    }
  }

  #release(messages: readonly Buffer[]): void {
    for (const message of messages) {
      this.#next.begin(message, 0, message.length, 0);
    }
  }
}
