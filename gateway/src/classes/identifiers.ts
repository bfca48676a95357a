import type { Strength } from './context.ts';
import type { Identifier } from './detector.ts';
import { digit, kinds, lower, upper, wordKinds } from './characters.ts';
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
  readonly identifier: Identifier;
  readonly strength: Strength;
}

type TakeIdentifier = (identifier: Identifier, range: { readonly start: number; readonly end: number; readonly strength: Strength }) => void;

/** The forms of identifiers as a tree that is walked character by character, from each begin of a word. */
export class FormTree {
  /** For each node and symbol the next node, or 0. */
  readonly #next: number[] = [];
  readonly #forms: Form[][] = [];

  constructor(identifiers: readonly Identifier[]) {
    this.#addNode();
    for (const identifier of identifiers) {
      for (const strength of ['sure', 'likely', 'weak'] as const) {
        for (const form of identifier.forms[strength]?.split('|') ?? []) {
          for (const node of this.#nodesOf(form)) {
            this.#forms[node]?.push({ identifier, strength });
          }
        }
      }
    }
  }

  #addNode(): number {
    for (let i = 0; i < symbols; i += 1) {
      this.#next.push(0);
    }
    return this.#forms.push([]) - 1;
  }

  #nodesOf(form: string): ReadonlySet<number> {
    let nodes = new Set([0]);
    for (const character of form) {
      const reached = new Set<number>();
      for (const node of nodes) {
        for (const symbol of symbolsOf(character)) {
          const at = node * symbols + symbol;
          this.#next[at] ||= this.#addNode();
          reached.add(this.#next[at]);
        }
      }
      nodes = reached;
    }
    return nodes;
  }

  find(view: View, take: TakeIdentifier): void {
    const { text } = view;
    let isInWord = false;
    for (let i = 0; i < text.length; i += 1) {
      const kind = kinds[text.charCodeAt(i)] ?? 0;
      const isWord = (kind & wordKinds) !== 0;
      if (isWord ? !isInWord : text[i] === '(') {
        this.#walk(view, i, take);
      }
      isInWord = isWord;
    }
  }

  #walk(view: View, start: number, take: TakeIdentifier): void {
    const { text } = view;
    let node = 0;
    for (let i = start; i < text.length; i += 1) {
      const unit = text.charCodeAt(i);
      const symbol = unit < 0x80 ? (symbolOf[unit] ?? none) : none;
      node = symbol === none ? 0 : (this.#next[node * symbols + symbol] ?? 0);
      if (node === 0) {
        return;
      }
      const forms = this.#forms[node] ?? [];
      if (forms.length > 0 && (i + 1 === text.length || !isWordAt(text, i + 1))) {
        this.#takeValid(view, { start, end: i + 1, forms }, take);
      }
    }
  }

  #takeValid(view: View, { start, end, forms }: { readonly start: number; readonly end: number; readonly forms: readonly Form[] }, take: TakeIdentifier): void {
    const surroundings = surroundingsOf(view, start, end);
    if (surroundings === 'part') {
      return;
    }
    const value = view.text.slice(start, end);
    const code = codeOf(value);
    // Hashes have small letters, identifiers are written with capitals.
    const isLowered = /[a-z]/.test(value);
    for (const { identifier, strength } of forms) {
      if (identifier.isValid(code, strength)) {
        take(identifier, { start, end, strength: strength === 'likely' && (surroundings === 'series' || isLowered) ? 'weak' : strength });
      }
    }
  }
}

function isWordAt(text: string, position: number): boolean {
  return ((kinds[text.charCodeAt(position)] ?? 0) & wordKinds) !== 0;
}

function isKindAt(text: string, position: number, kind: number): boolean {
  return ((kinds[text.charCodeAt(position)] ?? 0) & kind) !== 0;
}

function isDigitAt(text: string, position: number): boolean {
  return isKindAt(text, position, digit);
}

function codeOf(text: string): string {
  return text.replaceAll(/[^0-9A-Za-z]/g, '').toUpperCase();
}

/** A word beside a hyphen is looked at for digits in so many characters: without any it is no part of a number. */
const neighbourUnits = 12;

function hasDigit(text: string, start: number): boolean {
  for (let i = start; i < start + neighbourUnits && isWordAt(text, i); i += 1) {
    if (isDigitAt(text, i)) {
      return true;
    }
  }
  return false;
}

/**
 * Says whether something goes on before or behind: a `part` belongs to a longer number, a decimal fraction or a UUID; a `series` has more digits behind or before
 * a space.
 */
export function surroundingsOf({ text }: View, start: number, end: number): 'alone' | 'part' | 'series' {
  const before = start > 0 ? (text[start - 1] ?? '') : '';
  const after = end < text.length ? (text[end] ?? '') : '';
  const isBeforeWord = start - 1 > 0 && isWordAt(text, start - 2);
  const isAfterWord = end + 1 < text.length && isWordAt(text, end + 1);
  if (
    (before === '.' && isBeforeWord && isDigitAt(text, start - 2)) ||
    (isAfterWord && (after === '.' ? !isKindAt(text, end + 1, upper) : after === '-' && hasDigit(text, end + 1)))
  ) {
    return 'part';
  }
  if (before === '-' && isBeforeWord) {
    for (let i = start - 2; i >= 0 && start - i < neighbourUnits && isWordAt(text, i); i -= 1) {
      if (isDigitAt(text, i)) {
        return 'part';
      }
    }
  }
  const isSeries = (before === ' ' && start - 1 > 0 && isDigitAt(text, start - 2)) || (after === ' ' && end + 1 < text.length && isDigitAt(text, end + 1));
  return isSeries ? 'series' : 'alone';
}
