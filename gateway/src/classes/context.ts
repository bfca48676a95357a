/**
 * How much a form says by itself about the class of a value that passed its validation. `sure`: it is taken. `likely`: one number in a hundred at most would
 * pass by chance; it is taken unless the words before it say that it is something else. `weak`: it is taken only if the words before it name the class.
 */
export type Strength = 'sure' | 'likely' | 'weak';

/** Words that name something else than a value of a class: an order, a version, a hash. */
const otherWords: readonly string[] = (
  'order orders invoice track tracking ticket ref reference version release build serial sku part item batch hash sha md5 commit uuid guid isbn issn ean gtin asin ' +
  'timestamp epoch trace span shipment parcel imei expires expiry issued valid until gültig seq sequence offset checksum revision port ' +
  'bestellung bestell bestellnr auftrag rechnung sendung artikel vorgang aktenzeichen seriennummer buchung commande facture colis référence série pedido factura ' +
  'envío seguimiento ordine fattura spedizione bestelling factuur zending encomenda fatura zamówienie zamówienia faktura paczka tilaus lasku ordrenummer sipariş'
).split(' ');

/** A word of this many letters also counts as the beginning of a longer one: `telefon` in `Telefonnummer`. */
const stemLettersMin = 5;
/** A word that names something else counts only among so many words directly before the value. */
const otherWordsNear = 3;
const wordsMax = 24;

/** The classes that each word names. An empty list stands for something else. */
export type ContextWords = ReadonlyMap<string, readonly string[]>;

export function contextWordsOf(classes: readonly { readonly name: string; readonly words?: readonly string[] }[]): ContextWords {
  const named = new Map<string, string[]>(otherWords.map((word) => [word, []]));
  for (const { name, words = [] } of classes) {
    for (const word of words) {
      named.set(word, [...(named.get(word) ?? []), name]);
    }
  }
  return named;
}

/** Joins values: `phones: 1 and 2`. */
const joining: ReadonlySet<string> = new Set('and or y o und oder et ou e en of og och eller i lub'.split(' '));
const otherValue = /\d[\d .()-]{4,}\d/g;

/**
 * Returns the words that say what a value is. Those before another number say what that is, unless nothing but `and` follows it. Words are split at what is no
 * letter, and within `dateOfBirth`.
 */
function wordsBefore(before: string): string[] {
  let own = 0;
  for (const { index, 0: value } of before.matchAll(otherValue)) {
    own = index + value.length;
  }
  const words = wordsIn(own === 0 ? before : before.slice(own)).filter((word) => !joining.has(word));
  return own > 0 && words.length === 0 ? wordsIn(before.slice(0, own)) : words;
}

function wordsIn(text: string): string[] {
  return text
    .replaceAll(/\\+(?:[nrtbf]|u[0-9a-fA-F]{4})/g, ' ')
    .replaceAll(/(\p{Ll})(?=\p{Lu})/gu, '$1 ')
    .toLowerCase()
    .split(/[^\p{L}\p{M}]+/u)
    .filter((word) => word !== '')
    .slice(-wordsMax);
}

function namedBy(word: string, context: ContextWords): readonly string[] | null {
  for (let { length } = word; length >= stemLettersMin; length -= 1) {
    const named = context.get(word.slice(0, length));
    if (named !== undefined) {
      return named;
    }
  }
  return context.get(word) ?? null;
}

/** How much speaks for a value: `none`, not enough; `form`, its own form; `named`, words before it too. */
export type Support = 'none' | 'form' | 'named';

/** Says how much the text before a value of this strength, and the value, speak for the class. */
export function supportOf(before: string, { name, strength }: { readonly name: string; readonly strength: Strength }, context: ContextWords): Support {
  const words = wordsBefore(before);
  for (let i = words.length - 1; i >= 0; i -= 1) {
    const named = namedBy(words[i] ?? '', context);
    if (named?.includes(name) === true) {
      return 'named';
    }
    if (strength !== 'sure' && named !== null && words.length - i <= otherWordsNear) {
      return 'none';
    }
  }
  return strength === 'weak' ? 'none' : 'form';
}
