import { renderedCharactersMax as charactersMax } from '../../domain/record.ts';

/** Lines for a reader, up to a limit; past it they are only counted. */
export class ShownText {
  readonly #lines: string[] = [];
  #characters = 0;
  #leftOut = 0;

  add(line: string): void {
    const room = charactersMax - this.#characters;
    if (room <= 0) {
      this.#leftOut += 1;
      return;
    }
    this.#lines.push(line.length > room ? `${line.slice(0, room)}…` : line);
    this.#characters += line.length + 1;
  }

  toString(): string {
    return [...this.#lines, ...(this.#leftOut === 0 ? [] : [`… ${this.#leftOut} lines more`])].join('\n');
  }
}
