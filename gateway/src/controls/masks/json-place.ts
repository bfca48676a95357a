/** Characters behind which a value of JSON may begin. */
const beforeValue = new Set([':', ',', '[']);

/**
 * Follows a text that may be JSON itself, such as the arguments of a tool call in the answer of a model, and tells at which place in it the next character stands. A text that begins like JSON
 * counts as JSON. Time is linear.
 */
export class JsonPlace {
  /** Null: nothing but spaces has come. */
  #isJson: boolean | null = null;
  #isInString = false;
  #isEscaped = false;
  /** The last character outside of strings that is no space. */
  #last = '';

  /** Takes the next piece of the text. */
  pass(text: string): void {
    let at = 0;
    if (this.#isJson === null) {
      at = text.search(/\S/);
      if (at === -1) {
        return;
      }
      this.#isJson = text[at] === '{' || text[at] === '[';
    }
    if (!this.#isJson) {
      return;
    }
    for (; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (this.#isEscaped) {
        this.#isEscaped = false;
      } else if (this.#isInString) {
        this.#isEscaped = character === '\\';
        this.#isInString = character !== '"';
      } else if (character === '"') {
        this.#isInString = true;
        this.#last = character;
      } else if (character > ' ') {
        this.#last = character;
      }
    }
  }

  /** True if the text is JSON and this place is within a string. */
  get isInString(): boolean {
    return this.#isInString;
  }

  /** True if a value that is no string may begin at this place. */
  get isAtValue(): boolean {
    return !this.#isInString && beforeValue.has(this.#last);
  }
}
