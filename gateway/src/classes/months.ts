/** Names of months in eight languages, and their short forms in English. */
export const months: ReadonlySet<string> = new Set(
  (
    'january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec ' +
    'januar februar märz mai juni juli oktober dezember ' +
    'janvier février mars avril juin juillet août septembre octobre novembre décembre ' +
    'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre ' +
    'gennaio febbraio aprile maggio giugno luglio settembre ottobre novembre dicembre ' +
    'januari februari maart mei augustus ' +
    'janeiro fevereiro março maio junho julho setembro outubro novembro dezembro ' +
    'stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia ' +
    'maj augusti'
  ).split(' '),
);

/** Joins a day, a month and a year. */
export const joinsMonth: ReadonlySet<string> = new Set(['de', 'del', 'of']);

const place = (first: number, second: number): number => (first & 31) * 32 + (second & 31);
const begins: Uint8Array = new Uint8Array(32 * 32);
for (const name of [...months, ...joinsMonth]) {
  begins[place(name.charCodeAt(0), name.charCodeAt(1))] = 1;
}

/** False if the word at a place in a text is no name of a month, in any case, and none that joins one. Says so of most words, at little cost. */
export function mayBeMonth(text: string, position: number): boolean {
  return begins[place(text.charCodeAt(position), text.charCodeAt(position + 1))] === 1;
}

/** The longest name of a month, and more. */
export const monthUnitsMax = 12;
