import type { NameChange } from './client-units.ts';

/** Most names that are kept of one kind, most texts under one name, and most characters of all. */
const namesMax = 5_000;
const textsMax = 8;
const lengthMax = 8 * 1024 * 1024;

/** The texts that a name may stand for, each with the number of the request that brought it; null if it may stand for others too. */
export type Texts = ReadonlyMap<string, number> | null;

const none: ReadonlyMap<string, number> = new Map();

/** The knowledge about one name. */
interface Entry {
  /** Another number for each time that the name is known anew, so that answers to what was sent before do not count for it. */
  readonly id: number;
  /** The texts that the name stands for by the answers that the target has given. */
  readonly now: Texts;
  /** The texts that it may stand for as long as `waiting` requests about it are not answered. */
  readonly may: Texts;
  readonly waiting: number;
  /** The number of doubts there were when it became certain what the name stands for; -1 if that is not certain. */
  readonly doubts: number;
  /** True if it stands for one text for certain, also where `now` is null because that text cannot be read. */
  readonly isOne: boolean;
  /** True for a cursor that may outlive its transaction. */
  readonly isHeld: boolean;
}

/** Called when the target has answered a unit: with the number of its completions, of which the ones after it did not happen. */
export type Settle = (done: number) => void;

/** A change that was sent, to which the target has not answered yet. */
interface Sent {
  readonly step: number;
  readonly settle: (isDone: boolean) => void;
}

/**
 * The texts of statements and cursors that a client may execute by a name: those of Parse and PREPARE, and those of Bind and DECLARE. Until the target has answered, it
 * is not known which of them it has taken, so a name then stands for what it stood for before and for each text that was sent under it.
 */
export class SentTexts {
  readonly #statements = new Map<string, Entry>();
  readonly #cursors = new Map<string, Entry>();
  #length = 0;
  /** The characters of texts that wait for the answer of the target. */
  #waitingLength = 0;
  #newest = 0;
  #doubts = 0;
  /** The texts that may have opened cursors, under any names. */
  #opened: Texts = none;
  /** True if there was a name that is not kept any more. */
  #hasForgotten = false;

  statement(name: string): Texts {
    return this.#statements.get(name)?.may ?? null;
  }

  cursor(name: string): Texts {
    const may = this.#cursors.get(name)?.may ?? null;
    return may === null || this.#opened === null ? null : union(may, this.#opened);
  }

  /** Returns whether a statement has one text for certain. */
  isSureStatement(name: string): boolean {
    return this.#isSure(this.#statements.get(name), this.statement(name));
  }

  isSureCursor(name: string): boolean {
    return this.#isSure(this.#cursors.get(name), this.cursor(name));
  }

  #isSure(entry: Entry | undefined, texts: Texts): boolean {
    return entry?.doubts === this.#doubts && (texts === null ? entry.isOne && this.#opened === none : texts.size === 1);
  }

  /** The number of times that code ran which may have given other texts to names. */
  get doubts(): number {
    return this.#doubts;
  }

  /** Notes that code which nobody could read may have given other texts to names. */
  doubt(): void {
    this.#doubts += 1;
  }

  /** Notes the texts of SQL that prepare a statement or declare a cursor. What had the name before may have it still. */
  prepared(name: string, text: string, seq: number): void {
    this.#addBySql(this.#statements, name, new Map([[text, seq]]));
  }

  declared(name: string, text: string, seq: number): void {
    this.#addBySql(this.#cursors, name, new Map([[text, seq]]), /hold/i.test(text));
  }

  /** Notes that a text may open cursors of any name. */
  opened(text: string, seq: number): void {
    this.#opened = this.#opened === null || this.#opened.size >= textsMax ? null : union(this.#opened, new Map([[text, seq]]));
  }

  #addBySql(map: Map<string, Entry>, name: string, texts: ReadonlyMap<string, number>, isHeld = false): void {
    const before = this.#before(map, name);
    const both = before.may === null ? null : union(before.may, texts);
    this.#newest += 1;
    // Answers to what is under way do not tell any more what the name stands for.
    this.#set(map, name, { ...before, id: this.#newest, now: both, may: both, waiting: 0, isOne: false, isHeld: before.isHeld || isHeld });
  }

  /**
   * Applies the changes of a unit. `texts` has the text of each Parse by its step; null if it cannot be read. `isSettled`: the target has answered everything, and
   * waits for no Sync, so that it takes the first message of the unit for certain.
   */
  apply(
    changes: readonly NameChange[],
    { texts, seq, isSettled }: { readonly texts: ReadonlyMap<number, string | null>; readonly seq: number; readonly isSettled: boolean },
  ): Settle | null {
    const sent: Sent[] = [];
    for (const change of changes) {
      if (change.kind !== 'execute' && !(change.kind === 'bind' && this.#isBound(change.name, change.statement))) {
        const settle = this.#apply(change, { text: texts.get(change.step) ?? null, seq, isTaken: isSettled && change.step === 0 });
        sent.push({ step: change.step, settle });
      }
    }
    if (sent.length === 0) {
      return null;
    }
    return (done) => {
      for (const { step, settle } of sent) {
        settle(step < done);
      }
    };
  }

  /** Binds the unnamed portal to a statement that is sure, if it is bound to nothing else: it runs that, or does not exist. Drivers do nothing else most of the time. */
  #isBound(name: string, statement: string): boolean {
    const [bound, portal] = [this.#statements.get(statement), this.#cursors.get(name)];
    if (name !== '' || bound?.waiting !== 0) {
      return false;
    }
    if (portal === undefined && !this.#hasForgotten) {
      this.#set(this.#cursors, name, { ...bound, isHeld: false });
      return true;
    }
    return portal?.waiting === 0 && portal.now === bound.now && portal.may === bound.now && portal.doubts === bound.doubts;
  }

  #apply(
    change: Exclude<NameChange, { readonly kind: 'execute' }>,
    { text, seq, isTaken }: { readonly text: string | null; readonly seq: number; readonly isTaken: boolean },
  ): Sent['settle'] {
    const { name } = change;
    const doubts = this.#doubts;
    switch (change.kind) {
      case 'parse': {
        const texts = text === null ? null : new Map([[text, seq]]);
        // The unnamed statement gives way to a new one, also if that fails. A named one does not, and the Parse fails.
        const kept = this.#keepWaiting(texts);
        const settle = this.#send(this.#statements, name, {
          texts,
          doubts,
          replaces: isTaken && name === '',
          taken: () => ({ now: kept, doubts, isOne: true }),
        });
        return (isDone) => {
          this.#waitingLength -= lengthOf(kept);
          settle(isDone);
        };
      }
      case 'bind': {
        const { statement } = change;
        const bound = (): Entry => this.#before(this.#statements, statement);
        const { may, doubts: doubtsOfStatement } = bound();
        const texts = this.#statements.has(statement) ? may : null;
        return this.#send(this.#cursors, name, { texts, doubts: doubtsOfStatement, replaces: false, taken: bound });
      }
      case 'close-statement':
      case 'close-portal': {
        const map = change.kind === 'close-statement' ? this.#statements : this.#cursors;
        return this.#send(map, name, { texts: none, doubts, replaces: isTaken, taken: () => ({ now: none, doubts, isOne: false }) });
      }
      default:
        return change satisfies never;
    }
  }

  /** Returns texts that wait for an answer; null if too many wait already. */
  #keepWaiting(texts: Texts): Texts {
    const length = lengthOf(texts);
    if (this.#waitingLength + length > lengthMax) {
      return null;
    }
    this.#waitingLength += length;
    return texts;
  }

  /** Notes that a name stands for other texts if the target takes a message. `replaces`: it stands for nothing else then or if the message fails. */
  #send(
    map: Map<string, Entry>,
    name: string,
    sent: { readonly texts: Texts; readonly doubts: number; readonly replaces: boolean; readonly taken: () => Pick<Entry, 'now' | 'doubts' | 'isOne'> },
  ): (isDone: boolean) => void {
    const { texts, doubts, replaces, taken } = sent;
    const before = this.#before(map, name);
    const { id, isOne: wasOne } = before;
    const may = replaces ? texts : before.may === null || texts === null ? null : union(before.may, texts);
    this.#set(map, name, { ...before, may, waiting: before.waiting + 1, isOne: false, doubts: replaces ? doubts : Math.min(before.doubts, doubts) });
    return (isDone) => {
      const entry = map.get(name);
      if (entry?.id !== id) {
        return;
      }
      const { now, doubts: known, isOne } = isDone ? taken() : { ...entry, isOne: wasOne };
      const waiting = entry.waiting - 1;
      if (waiting === 0 && now?.size === 0) {
        this.#delete(map, name);
      } else {
        this.#set(map, name, { ...entry, now, may: waiting === 0 ? now : entry.may, waiting, doubts: known, isOne: isOne && waiting === 0 });
      }
    };
  }

  /** Returns a function to call when SQL has deallocated a statement, or all of them if `name` is null. It does nothing if something else was sent in the meantime. */
  deallocating(name: string | null): () => void {
    const newest = this.#newest;
    return () => {
      for (const each of this.#newest === newest ? (name === null ? [...this.#statements.keys()] : [name]) : []) {
        if (this.#statements.get(each)?.waiting === 0) {
          this.#delete(this.#statements, each);
        }
      }
    };
  }

  /** Notes that no transaction is open, and nothing under way: cursors are closed that do not outlive their transaction. */
  transactionEnded(): void {
    for (const [name, { isHeld }] of this.#cursors) {
      if (!isHeld) {
        this.#delete(this.#cursors, name);
      }
    }
    this.#opened = none;
  }

  /** Returns what is known of a name. */
  #before(map: ReadonlyMap<string, Entry>, name: string): Entry {
    const known = map.get(name);
    if (known !== undefined) {
      return known;
    }
    const now = this.#hasForgotten ? null : none;
    this.#newest += 1;
    return { id: this.#newest, now, may: now, waiting: 0, doubts: this.#doubts === 0 && !this.#hasForgotten ? 0 : -1, isOne: false, isHeld: false };
  }

  #set(map: Map<string, Entry>, name: string, entry: Entry): void {
    const before = map.get(name)?.may;
    this.#length += lengthOf(entry.may) - lengthOf(before);
    if (entry.may !== before && entry.may !== null && (entry.may.size > textsMax || this.#length > lengthMax)) {
      this.#length -= lengthOf(entry.may);
      map.set(name, { ...entry, may: null, now: null });
    } else {
      map.set(name, entry);
    }
    if (map.size > namesMax) {
      this.#forgetOldest(map);
    }
  }

  #delete(map: Map<string, Entry>, name: string): void {
    this.#length -= lengthOf(map.get(name)?.may);
    map.delete(name);
  }

  #forgetOldest(map: Map<string, Entry>): void {
    for (const name of map.keys()) {
      this.#delete(map, name);
      this.#hasForgotten = true;
      return;
    }
  }
}

function lengthOf(texts: Texts | undefined): number {
  let length = 0;
  for (const text of (texts ?? none).keys()) {
    length += text.length;
  }
  return length;
}

function union(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  if (one.size === 0 || one === other) {
    return other;
  }
  return [...other.keys()].every((text) => one.has(text)) ? one : new Map([...one, ...other]);
}
