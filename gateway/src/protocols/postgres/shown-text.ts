import { countOf } from '../../domain/count-of.ts';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { renderedCharactersMax as charactersMax } from '../../domain/record.ts';

/** Collects lines for people, up to a limit. Further lines are only counted. */
export class ShownText {
  readonly #lines: string[] = [];
  #characters = 0;
  #leftOut = 0;
  #isWhole = true;
  #isBegun = false;

  add(line: string): void {
    const room = charactersMax - this.#characters;
    if (room <= 0) {
      this.#leftOut += 1;
      return;
    }
    this.#isWhole &&= line.length <= room;
    this.#lines.push(line.length > room ? `${line.slice(0, room)}… ${countOf(line.length - room, 'character')} more` : line);
    this.#characters += line.length + 1;
  }

  /** Adds the names of the columns of the rows that follow. */
  addColumns(names: readonly string[]): void {
    this.add(names.join(' | '));
  }

  addRow(cells: readonly string[]): void {
    this.add(cells.join(' | '));
  }

  /** Adds the beginning of a row that is too long to be shown at once. */
  addLong(text: string): void {
    this.add(text);
  }

  /** Adds text that continues the last line of the part before. Call it before anything else is added. */
  goOn(text: string): void {
    this.#isBegun = true;
    this.add(text);
  }

  /** Notes that a part of the text is not available. */
  addMissing(line: string): void {
    this.#isWhole = false;
    this.add(line);
  }

  /** True: what is added now is only counted. */
  get isFull(): boolean {
    return this.#characters >= charactersMax;
  }

  get attributes(): Attributes {
    return {
      ...(this.#isWhole && this.#leftOut === 0 ? {} : { [ownAttributes.isWhole]: false }),
      ...(this.#isBegun ? { [ownAttributes.begunText]: true } : {}),
    };
  }

  toString(): string {
    return [...this.#lines, ...(this.#leftOut === 0 ? [] : [`… ${countOf(this.#leftOut, 'line')} more`])].join('\n');
  }
}
