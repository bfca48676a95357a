import { GatewayError } from '../../domain/errors.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { frameHeaderBytes } from './codec.ts';
import type { CopyForm } from './guard/lineage.ts';
import { backend } from './messages.ts';
import { place } from './text-place.ts';

/** Rows that are whole. */
export interface WholeRows {
  readonly data: Buffer;
  /** True if the first one has the names of the columns. */
  readonly hasHeader: boolean;
}

/** Changes a value of a row of so many columns; null makes it NULL. */
type ChangeColumn = (text: string, at: number, count: number) => string | null;

const lineFeed = 0x0a;
const lengthBytes = 4;
const nothing = Buffer.alloc(0);
const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/**
 * Changes the columns of rows that COPY writes in the text or the CSV format. A row may come in several messages, and is held until it is whole.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9
 */
export class CopiedRows {
  readonly #form: CopyForm;
  readonly #change: ChangeColumn;
  readonly #rowBytesMax: number;
  #held: Buffer = nothing;
  #isHeader: boolean;

  constructor(form: CopyForm, change: ChangeColumn, rowBytesMax: number) {
    this.#form = form;
    this.#change = change;
    this.#rowBytesMax = rowBytesMax;
    this.#isHeader = form.hasHeader;
  }

  /** Takes a CopyData. Returns the rows that are whole now; null if none are. Throws GatewayError `limit_exceeded`. */
  push(message: Buffer): WholeRows | null {
    const data = message.subarray(frameHeaderBytes);
    this.#held = this.#held.length === 0 ? data : Buffer.concat([this.#held, data]);
    if (this.#held.length > this.#rowBytesMax) {
      throw new GatewayError('limit_exceeded', `Policy changes texts of this result, and a row of its COPY data is longer than ${this.#rowBytesMax} bytes.`);
    }
    return data.at(-1) === lineFeed && !this.#isWithinQuotes() ? this.end() : null;
  }

  /** Returns the rows that were held; null if none were. */
  end(): WholeRows | null {
    const rows = { data: this.#held, hasHeader: this.#isHeader };
    this.#held = nothing;
    if (rows.data.length === 0) {
      return null;
    }
    this.#isHeader = false;
    return rows;
  }

  /** Returns rows with their columns changed, in one CopyData. */
  changed({ data, hasHeader }: WholeRows): Buffer {
    const { text, write } = place(data, (bytes) => bytes);
    const changed = write(this.#form.format === 'csv' ? this.#csv(text, hasHeader) : this.#lines(text, hasHeader));
    return new ByteWriter()
      .uint8(backend.copyData)
      .int32(lengthBytes + changed.length)
      .bytes(changed)
      .finish();
  }

  #isWithinQuotes(): boolean {
    if (this.#form.format !== 'csv') {
      return false;
    }
    const { quote, escape } = this.#form;
    const text = this.#held.toString('latin1');
    let isWithin = false;
    for (let at = 0; at < text.length; at += 1) {
      const sign = text.charAt(at);
      if (isWithin && sign === escape && escape !== quote) {
        at += 1;
      } else if (sign === quote) {
        isWithin = !isWithin;
      }
    }
    return isWithin;
  }

  #lines(text: string, hasHeader: boolean): string {
    return text
      .split('\n')
      .map((line, i, all) => ((hasHeader && i === 0) || (i === all.length - 1 && line === '') ? line : this.#line(line)))
      .join('\n');
  }

  #line(line: string): string {
    const { delimiter, null: nothingText } = this.#form;
    const values = line.split(delimiter);
    // A delimiter within a value has a backslash before it.
    const whole: string[] = [];
    for (const value of values) {
      const last = whole.at(-1);
      if (last !== undefined && /(?:^|[^\\])(?:\\\\)*\\$/.test(last)) {
        whole[whole.length - 1] = `${last}${delimiter}${value}`;
      } else {
        whole.push(value);
      }
    }
    return whole
      .map((written, at) => {
        if (written === nothingText) {
          return written;
        }
        const value = written.replaceAll(/\\(.)/gs, (_found, sign: string) => escapes[sign] ?? sign);
        const changed = this.#change(value, at, whole.length);
        return changed === null ? nothingText : changed === value ? written : this.#escaped(changed);
      })
      .join(delimiter);
  }

  #escaped(text: string): string {
    const { delimiter } = this.#form;
    const written = text.replaceAll(/[\\\b\f\n\r\t\v]/g, (sign) => {
      const name = Object.keys(escapes).find((each) => escapes[each] === sign);
      return `\\${name ?? sign}`;
    });
    return delimiter === '\t' ? written : written.replaceAll(delimiter, `\\${delimiter}`);
  }

  #csv(text: string, hasHeader: boolean): string {
    const { delimiter, quote, escape, null: nothingText } = this.#form;
    const rows: { readonly written: string; readonly value: string | null }[][] = [[]];
    let start = 0;
    let value = '';
    let isQuoted = false;
    let isWithin = false;
    const end = (at: number): void => {
      const written = text.slice(start, at);
      rows.at(-1)?.push({ written, value: !isQuoted && written === nothingText ? null : value });
      start = at + 1;
      value = '';
      isQuoted = false;
    };
    for (let at = 0; at < text.length; at += 1) {
      const sign = text.charAt(at);
      const next = text.charAt(at + 1);
      if (isWithin && sign === escape && (next === quote || (next === escape && next !== ''))) {
        value += next;
        at += 1;
      } else if (sign === quote) {
        isWithin = !isWithin;
        isQuoted = true;
      } else if (!isWithin && sign === delimiter) {
        end(at);
      } else if (!isWithin && sign === '\n') {
        end(at);
        rows.push([]);
      } else {
        value += sign;
      }
    }
    if (start < text.length) {
      end(text.length);
    }
    return rows.map((row, i) => row.map((each, at) => (hasHeader && i === 0 ? each.written : this.#csvValue(each, at, row.length))).join(delimiter)).join('\n');
  }

  #csvValue({ written, value }: { readonly written: string; readonly value: string | null }, at: number, count: number): string {
    const { quote, escape, null: nothingText } = this.#form;
    const changed = value === null ? null : this.#change(value, at, count);
    if (value === null || changed === value) {
      return written;
    }
    if (changed === null) {
      return nothingText;
    }
    const escaped = changed.replaceAll(quote, `${escape}${quote}`);
    return `${quote}${escape === quote ? escaped : changed.replaceAll(escape, `${escape}${escape}`).replaceAll(quote, `${escape}${quote}`)}${quote}`;
  }
}
