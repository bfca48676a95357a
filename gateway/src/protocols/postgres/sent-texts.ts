import type { NameChange } from './client-units.ts';

/** Most names that are kept of one kind, most texts under one name, and most characters of all. */
const namesMax = 5_000;
const textsMax = 8;
const lengthMax = 8 * 1024 * 1024;

/** The texts that a name may stand for; null if it may stand for others too. */
type Texts = ReadonlySet<string> | null;

const none: ReadonlySet<string> = new Set();

/**
 * The texts of statements and cursors that a client may execute by a name: those of Parse and PREPARE, and those of Bind and DECLARE. While the target still
 * answers, it is not known which of them it has taken, so a name then stands for each text that was sent under it.
 */
export class SentTexts {
  readonly #statements = new Map<string, Texts>();
  readonly #cursors = new Map<string, Texts>();
  #length = 0;
  /** True if there was a name that is not kept any more. */
  #hasForgotten = false;

  statement(name: string): Texts {
    return this.#statements.get(name) ?? null;
  }

  cursor(name: string): Texts {
    return this.#cursors.get(name) ?? null;
  }

  /** Notes the texts of SQL that prepare a statement or declare a cursor. What had the name before may have it still. */
  prepared(name: string, text: string): void {
    this.#set(this.#statements, name, added(this.#before(this.#statements, name), text));
  }

  declared(name: string, text: string): void {
    this.#set(this.#cursors, name, added(this.#before(this.#cursors, name), text));
  }

  /**
   * Applies the changes of a unit. `texts` has the text of each Parse by its step; null if it cannot be read. `isSettled`: the target has answered everything, and
   * waits for no Sync, so it takes the unit's messages in order.
   */
  apply(changes: readonly NameChange[], texts: ReadonlyMap<number, string | null>, isSettled: boolean): void {
    for (const change of changes) {
      const { name } = change;
      switch (change.kind) {
        case 'parse': {
          const text = texts.get(change.step) ?? null;
          // The unnamed statement gives way to a new one. A named one does not, and the Parse fails.
          const before = isSettled && name === '' ? none : this.#before(this.#statements, name);
          this.#set(this.#statements, name, text === null ? null : added(before, text));
          break;
        }
        case 'bind': {
          const bound = this.#statements.get(change.statement) ?? null;
          const before = isSettled && name === '' ? none : this.#before(this.#cursors, name);
          this.#set(this.#cursors, name, bound === null || before === null ? null : union(before, bound));
          break;
        }
        case 'close-statement':
          this.#close(this.#statements, name, isSettled);
          break;
        case 'close-portal':
          this.#close(this.#cursors, name, isSettled);
          break;
        case 'execute':
          break;
        default:
          change satisfies never;
      }
    }
  }

  #close(map: Map<string, Texts>, name: string, isSettled: boolean): void {
    if (isSettled) {
      this.#length -= lengthOf(map.get(name));
      map.delete(name);
    }
  }

  /** Returns the texts that a name stood for before. */
  #before(map: ReadonlyMap<string, Texts>, name: string): Texts {
    const texts = map.get(name);
    return texts === undefined ? (this.#hasForgotten ? null : none) : texts;
  }

  #set(map: Map<string, Texts>, name: string, texts: Texts): void {
    const before = map.get(name);
    if (before === texts && before !== undefined) {
      return;
    }
    this.#length += lengthOf(texts) - lengthOf(before);
    if (texts !== null && (texts.size > textsMax || this.#length > lengthMax)) {
      this.#length -= lengthOf(texts);
      map.set(name, null);
    } else {
      map.set(name, texts);
    }
    if (map.size > namesMax) {
      this.#forgetOldest(map);
    }
  }

  #forgetOldest(map: Map<string, Texts>): void {
    for (const [name, texts] of map) {
      this.#length -= lengthOf(texts);
      map.delete(name);
      this.#hasForgotten = true;
      return;
    }
  }
}

function lengthOf(texts: Texts | undefined): number {
  let length = 0;
  for (const text of texts ?? none) {
    length += text.length;
  }
  return length;
}

function added(texts: Texts, text: string): Texts {
  return texts === null || texts.has(text) ? texts : new Set([...texts, text]);
}

function union(one: ReadonlySet<string>, other: ReadonlySet<string>): ReadonlySet<string> {
  return one.size === 0 || one === other ? other : new Set([...one, ...other]);
}
