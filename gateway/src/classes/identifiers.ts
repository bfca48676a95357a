import { supportOf, type Strength } from './context.ts';
import type { Identifier } from './detector.ts';
import { digit, kinds, lower, opening, upper, wordKinds } from './characters.ts';
import type { View } from './view.ts';

/** The characters of forms: what `0` and `A` stand for, and the separators. */
const digitSymbol = 0;
const letterSymbol = 1;
const separators = ' -./+()';
const symbols = 2 + separators.length;
const none = -1;

function symbolsOf(character: string): readonly number[] {
  const letters: Readonly<Record<string, readonly number[]>> = { '0': [digitSymbol], A: [letterSymbol], X: [digitSymbol, letterSymbol] };
  return letters[character] ?? [2 + separators.indexOf(character)];
}

/** The symbol of each ASCII unit, or `none`. Letters outside of ASCII are in no form. */
const symbolOf: Int8Array = Int8Array.from({ length: 0x80 }, (_, unit) => {
  const kind = kinds[unit] ?? 0;
  const at = separators.indexOf(String.fromCharCode(unit));
  return (kind & digit) !== 0 ? digitSymbol : (kind & (lower | upper)) !== 0 ? letterSymbol : at === -1 ? none : 2 + at;
});

interface Form {
  readonly name: string;
  readonly isValid: Identifier['isValid'];
  readonly strength: Strength;
}

type TakeIdentifier = (name: string, start: number, end: number, strength: Strength) => void;

/** The forms of identifiers as a tree that is walked character by character, from each begin of a word. */
export class FormTree {
  /** For each node and symbol the next node, or 0. */
  readonly #next: Uint16Array;
  /** The forms that end at each node, or null. */
  readonly #forms: readonly (readonly Form[] | null)[];

  constructor(identifiers: readonly Identifier[]) {
    const growing: Growing = { next: [], forms: [] };
    addNode(growing);
    for (const { name, isValid, forms } of identifiers) {
      for (const strength of ['sure', 'likely', 'weak'] as const) {
        for (const form of forms[strength]?.split('|') ?? []) {
          for (const node of nodesOf(growing, form)) {
            growing.forms[node]?.push({ name, isValid, strength });
          }
        }
      }
    }
    this.#next = Uint16Array.from(growing.next);
    this.#forms = growing.forms.map((forms) => (forms.length === 0 ? null : forms));
  }

  find(view: View, take: TakeIdentifier): void {
    const { text, kinds: kindOf } = view;
    let isInWord = false;
    for (let i = 0; i < text.length; i += 1) {
      const kind = kindOf[i] ?? 0;
      const isWord = (kind & wordKinds) !== 0;
      // A plus sign opens a number of a phone, but no form.
      if (isWord ? !isInWord : (kind & opening) !== 0) {
        this.#walk(view, i, take);
      }
      isInWord = isWord;
    }
  }

  #walk(view: View, start: number, take: TakeIdentifier): void {
    const { text, kinds: kindOf } = view;
    let node = 0;
    for (let i = start; i < text.length; i += 1) {
      const unit = text.charCodeAt(i);
      const symbol = unit < 0x80 ? (symbolOf[unit] ?? none) : none;
      node = symbol === none ? 0 : (this.#next[node * symbols + symbol] ?? 0);
      if (node === 0) {
        return;
      }
      const forms = this.#forms[node] ?? null;
      if (forms !== null && ((kindOf[i + 1] ?? 0) & wordKinds) === 0) {
        takeValid(view, { start, end: i + 1, forms }, take);
      }
    }
  }
}

/** A tree that grows. */
interface Growing {
  readonly next: number[];
  readonly forms: Form[][];
}

function addNode({ next, forms }: Growing): number {
  for (let i = 0; i < symbols; i += 1) {
    next.push(0);
  }
  return forms.push([]) - 1;
}

function nodesOf(growing: Growing, form: string): ReadonlySet<number> {
  let nodes = new Set([0]);
  for (const character of form) {
    const reached = new Set<number>();
    for (const node of nodes) {
      for (const symbol of symbolsOf(character)) {
        const at = node * symbols + symbol;
        growing.next[at] ||= addNode(growing);
        reached.add(growing.next[at]);
      }
    }
    nodes = reached;
  }
  return nodes;
}

/** Calls `take` with the forms that are valid. What the words before it say is looked at first, because most numbers are decided by it. */
function takeValid(
  view: View,
  { start, end, forms }: { readonly start: number; readonly end: number; readonly forms: readonly Form[] },
  take: TakeIdentifier,
): void {
  const hint = view.hintAt(start, end);
  if (!forms.some(({ name, strength }) => supportOf(hint, name, strength) !== 'none')) {
    return;
  }
  const value = view.text.slice(start, end);
  const whole = end + (longNumber.test(value) ? zerosAt(view, end) : 0);
  const surroundings = surroundingsOf(view, start, whole);
  if (surroundings === 'part') {
    return;
  }
  // Hashes have small letters, identifiers are written with capitals.
  const isUnlikely = (surroundings === 'series' && !isJoined(value)) || /[a-z]/.test(value);
  const code = codeOf(value);
  for (const { name, isValid, strength } of forms) {
    const effective = isUnlikely && strength === 'likely' ? 'weak' : strength;
    if (supportOf(hint, name, effective) !== 'none' && isValid(code, strength)) {
      take(name, start, whole, effective);
    }
  }
}

/** Returns the length of a fraction of zeros, with which programs write a number that they keep as a decimal one: `4111111111111111.0`. */
function zerosAt({ text }: View, position: number): number {
  return zeros.exec(text.slice(position, position + zerosUnitsMax))?.[0].length ?? 0;
}

/** Matches numbers that are no amounts. */
const longNumber = /^\d{12,}$/;
const zeros = /^\.0{1,9}(?!\w|\.\w)/;
const zerosUnitsMax = 12;

/** True for a value whose groups are joined by something else than spaces, so that a number behind or before a space is another one. Dots also divide amounts. */
function isJoined(value: string): boolean {
  return !value.includes(' ') && /[-+/]/.test(value);
}

function isKindAt({ kinds: kindOf }: View, position: number, kind: number): boolean {
  return ((kindOf[position] ?? 0) & kind) !== 0;
}

function codeOf(text: string): string {
  return /^\d+$/.test(text) ? text : text.replaceAll(/[^0-9A-Za-z]/g, '').toUpperCase();
}

/** A word beside a hyphen is looked at for digits in so many characters: without any it is no part of a number. */
const neighbourUnits = 12;

function hasDigit(view: View, start: number, step: 1 | -1): boolean {
  for (let i = 0; i < neighbourUnits && isKindAt(view, start + i * step, wordKinds); i += 1) {
    if (isKindAt(view, start + i * step, digit)) {
      return true;
    }
  }
  return false;
}

/**
 * Says whether something goes on before or behind: a `part` belongs to a longer number, a decimal fraction or a UUID; a `series` has more digits behind or before
 * a space.
 */
export function surroundingsOf(view: View, start: number, end: number): 'alone' | 'part' | 'series' {
  const { text } = view;
  const before = start > 0 ? text[start - 1] : '';
  const after = end < text.length ? text[end] : '';
  if (
    (before === '.' && isKindAt(view, start - 2, digit)) ||
    (after === '.' && isKindAt(view, end + 1, wordKinds) && !isKindAt(view, end + 1, upper)) ||
    (before === '-' && hasDigit(view, start - 2, -1)) ||
    (after === '-' && hasDigit(view, end + 1, 1))
  ) {
    return 'part';
  }
  return (before === ' ' && isKindAt(view, start - 2, digit)) || (after === ' ' && isKindAt(view, end + 1, digit)) ? 'series' : 'alone';
}
