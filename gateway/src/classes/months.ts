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

/** The longest name of a month, and more. */
export const monthUnitsMax = 12;
