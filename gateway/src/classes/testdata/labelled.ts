import { builtInClasses } from '../catalogue.ts';

/**
 * A set of sentences, rows, lines of logs and parts of JSON with the values that are in them, in nine languages. It is made by this script and is the same each
 * time. Values are of documentation, of ranges for tests and of fiction. Half of the texts hold no value but what looks like one.
 */
export interface Labelled {
  readonly text: string;
  readonly values: readonly { readonly name: string; readonly start: number; readonly end: number }[];
}

/** A small generator of numbers (Park and Miller), so that the set never changes. */
class Dice {
  #state = 20_260_101;

  below(count: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state % count;
  }

  one(values: readonly string[]): string {
    return values[this.below(values.length)] ?? '';
  }

  /** `#` becomes a digit, `%` one that is not zero, `*` a hex digit. */
  filled(pattern: string): string {
    return pattern.replaceAll(/[#%*]/g, (sign) => (sign === '*' ? this.below(16).toString(16) : String(sign === '#' ? this.below(10) : 1 + this.below(9))));
  }
}

const people = 'jane.doe j.smith anna_berg o.muster li-wei ana.silva marek+shop d.o’brien team.sales k2000 info no-reply'
  .replace('o’brien', "o'brien")
  .split(' ');
const domains = ['example.com', 'example.org', 'mail.example.net', 'example.co.uk', 'bank.example', 'clinic.example.de', 'sub.dept.example.edu'];

/** Numbers that no subscriber has (NANP 555-01xx, Ofcom, Bundesnetzagentur, Arcep, ACMA), and numbers of countries without such a range with a round end. */
const phones = [
  '+1 555-555-01##',
  '+1-212-555-01##',
  '(415) 555-01##',
  '(415)555-01##',
  '415-555-01##',
  '415.555.01##',
  '1-800-555-01##',
  '001-212-555-01##x12#',
  '+44 20 7946 0###',
  '020 7946 0###',
  '01632 960###',
  '07700 900###',
  '+44 (0)1632 960###',
  '+49 30 23125 ###',
  '030 23125###',
  '+4930231250##',
  '0171 39200##',
  '+33 6 39 98 ## ##',
  '06 39 98 ## ##',
  '+34 600 000 0##',
  '+39 06 0000 00##',
  '+31 20 000 00##',
  '+48 22 000 00 ##',
  '+46 8 465 004 ##',
  '0491 570 1##',
  '+61 491 570 1##',
  '+55 11 90000-00##',
  '(11) 90000-00##',
  '+91 90000 000##',
  '+81 3-0000-00##',
];
const cards = [
  '4111111111111111',
  '4111 1111 1111 1111',
  '4111-1111-1111-1111',
  '4242424242424242',
  '4012 8888 8888 1881',
  '5555555555554444',
  '5105-1051-0510-5100',
  '2223003122003222',
  '378282246310005',
  '3782 822463 10005',
  '6011111111111117',
  '6011 0009 9013 9424',
  '30569309025904',
  '3530111333300000',
  '6200 0000 0000 0005',
];
/** The examples of the registry of SWIFT. */
const ibans = [
  'DE89370400440532013000',
  'DE89 3704 0044 0532 0130 00',
  'GB29 NWBK 6016 1331 9268 19',
  'GB29NWBK60161331926819',
  'FR14 2004 1010 0505 0001 3M02 606',
  'NL91 ABNA 0417 1643 00',
  'ES91 2100 0418 4502 0005 1332',
  'IT60 X054 2811 1010 0000 0123 456',
  'CH93 0076 2011 6238 5295 7',
  'AT611904300234573201',
  'PL61 1090 1014 0000 0712 1981 2874',
  'PT50 0002 0123 1234 5678 9015 4',
  'SE45 5000 0000 0583 9825 7466',
  'NO93 8601 1117 947',
  'BE68 5390 0754 7034',
  'MT84 MALT 0110 0001 2345 MTLC AST0 01S',
];

const letters = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz';
const generators: Readonly<Record<string, (dice: Dice) => string>> = {
  email: (dice) => `${dice.one(people)}@${dice.one(domains)}`,
  phone: (dice) => dice.filled(dice.one(phones)),
  card: (dice) => dice.one(cards),
  iban: (dice) => dice.one(ibans),
  ip: (dice) => dice.filled(dice.one(['192.0.2.%#', '198.51.100.%', '203.0.113.1##', '10.0.%.%#', '2001:db8::***%', '2001:db8:0:1:%:2:3:4', 'fe80::%*:feed'])),
  mac: (dice) => dice.filled(dice.one(['00:00:5e:00:53:**', '00-00-5E-00-53-##'])),
  'secret-token': (dice) =>
    dice.one([
      `AKIA${'EXAMPLE'.repeat(2)}AB`,
      `ghp_${letters.slice(0, 36)}`,
      `sk_test_${letters.slice(0, 24)}`,
      `sk-ant-api03-${letters.slice(0, 40)}`,
      `xoxb-123456789012-${letters.slice(0, 24)}`,
      `npm_${letters.slice(0, 36)}`,
      `AIza${letters.slice(0, 35)}`,
      `glpat-${letters.slice(0, 20)}`,
    ]),
  jwt: () => `${['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiJleGFtcGxlIn0'].join('.')}.${letters.slice(0, 43)}`,
  'birth-date': (dice) => dice.filled(dice.one(['19%#-0%-1#', '0%/1#/19%#', '1#.0%.19%#', '1#/0%/19%#'])),
  passport: (dice) => dice.filled(dice.one(['C01X00T47', 'X######%', 'L898902C3', '12######%', 'AB######%'])),
  'driving-licence': (dice) => dice.filled(dice.one(['D###-####-####', 'D#######', 'MORGA753116SM9IJ', 'B072RRE2I55'])),
  bic: (dice) => dice.one(['DEUTDEFF', 'DEUTDEFF500', 'NEDSZAJJXXX', 'CHASUS33', 'BNPAFRPP']),
  icd10: (dice) => dice.one(['E11.9', 'J45', 'I10', 'F32.1', 'M54.50']),
  'crypto-address': (dice) =>
    dice.one(['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed']),
};

/** Texts in which the place of any value can be `{}`. */
const around: readonly string[] = [
  '{}',
  'Please note {}.',
  '"{}"',
  "INSERT INTO people VALUES (17, '{}', true);",
  '{"a":1,"value":"{}","b":[2,3]}',
  '17;"{}";yes',
  'ok\t{}\tdone',
  'Is this right ({})?',
  '2024-05-06T07:08:09Z WARN field={} refused',
];

/** Texts with a word that names what is in them. */
const named: Readonly<Record<string, readonly string[]>> = {
  email: [
    'You can write to {} at any time.',
    'Schreiben Sie an {}, wir antworten gern.',
    'Écrivez à {} avant lundi.',
    'Escriba a {} por favor.',
    'Scrivere a {} entro oggi.',
    'Mail naar {} kan ook.',
    'Escreva para {}!',
    'Napisz na adres {}.',
    'Skriv till {}.',
    'mailto:{}',
    'From: Jane <{}>',
    'To: "{}";',
  ],
  phone: [
    'Call me at {} tomorrow.',
    'Rufen Sie uns unter {} an.',
    'Appelez le {} ce soir.',
    'Su teléfono es {}.',
    'Il mio telefono: {}',
    'Telefoon {} (kantoor)',
    'Telefone: {}',
    'Telefon: {}',
    'tel:{}',
    '"phone":"{}"',
    'Phone {}, ask for Jane.',
    'My number is {}.',
  ],
  card: [
    'The card {} expires 05/27.',
    'Kreditkarte {} wurde belastet.',
    'Ma carte {} ne passe pas.',
    'Mi tarjeta {} no funciona.',
    'La carta {} è scaduta.',
    'Kaartnummer {} is geweigerd.',
    'O cartão {} foi recusado.',
    'pan={}&cvv=123',
    '"cardNumber": "{}"',
  ],
  iban: ['Transfer it to {} today.', 'Überweisen Sie auf {}.', 'Virement vers {}.', 'IBAN: {}', 'Rekening {}', 'na konto {}', '"iban":"{}","amount":12.50'],
  ip: [
    'Login from {} failed.',
    'ssh root@{}',
    'Die Adresse {} antwortet nicht.',
    '{} - - [06/May/2024:07:08:09 +0000] "GET / HTTP/1.1" 200',
    'client={} status=200',
  ],
  mac: ['The device {} joined.', 'ether {} txqueuelen 1000', 'MAC {} ist offline.'],
  'secret-token': ['export TOKEN={}', 'Authorization: Bearer {}', '"api_key": "{}"', 'Mein Schlüssel ist {}.', 'use {} for now'],
  jwt: ['Authorization: Bearer {}', 'Cookie: session={}; path=/', '"id_token":"{}"'],
  'birth-date': [
    'She was born {}.',
    'DOB: {}',
    '"date_of_birth":"{}"',
    'Geburtsdatum: {}',
    'né le {}',
    'fecha de nacimiento: {}',
    'data di nascita {}',
    'geboortedatum {}',
    'data urodzenia: {}',
    'födelsedatum {}',
  ],
  passport: ['Passport number {}', 'Reisepass {}', 'passeport n° {}', 'pasaporte {}', '"passport_no":"{}"', 'paszport {}'],
  'driving-licence': ["Driver's license: {}", 'driving licence {}', 'Führerschein {}', 'permis de conduire {}', 'rijbewijs {}'],
  bic: ['BIC: {}', 'SWIFT code {}', '"bic":"{}"'],
  icd10: ['Diagnosis: {}', 'ICD-10 {}', 'Diagnose {} gesichert'],
  'crypto-address': ['Send BTC to {}', 'wallet {}', 'Meine Wallet: {}'],
};

/** Texts that hold no value, but numbers and words that look like one. */
const others: readonly string[] = [
  'Order 4############### has shipped.',
  'order_id=%############',
  'Bestellnummer %######### ist unterwegs.',
  'commande n° %###########',
  'Pedido %########## confirmado',
  'Tracking number 1Z999AA1##########',
  'Ticket #%####### was closed.',
  'Invoice 2024-%#####, total 1,2##.50 EUR',
  'Rechnung RE-%####### über 1.2##,50 €',
  '%*******-****-4***-a***-************',
  'commit ****************************************',
  'sha256:****************************************************************',
  'md5 ********************************',
  '2024-0%-1#T0#:1#:2#.###Z',
  '2024-0%-1# 0#:1#:2#,###',
  'ts=17########',
  'ts=17###########',
  'version %.#.#',
  'version 1.%.#.#',
  'v2.%#.#-rc.1',
  'release 2024.0%.1#',
  'Price: $1,2##.99 or €9##.00',
  'width: 12##px; height: 8##px;',
  'part 0123-45##-89A',
  'Serial SN%#########',
  'ISBN 978-3-16-14841#-0',
  'SKU 55-0###-AB-%#',
  'logo@2x.png and icon@3x.jpg',
  'git@github.com:example/repo%#.git',
  'npm i @scope/name@%.#.#',
  'ping user@localhost',
  'lat 52.5%####, lon 13.4%####',
  '0.%###############',
  'trace_id=******************************** span_id=****************',
  'id: %###################',
  'batch %####### of 2024',
  'From line %### to line 9###',
  'std::vector<int> a::b(12:34:5#)',
  'at 12:34:5# on 1#.0%.2024',
  'Room %##, floor #, 20##',
  'pages 1##-2##',
  '#%##### steps in %# days',
  'x = %### * 2## + 3###;',
  'uid=1### gid=1### groups=1###',
  'GET /api/v1/items/%####### HTTP/1.1',
  'SELECT * FROM t WHERE id = %######## LIMIT 100',
  '%#####,2024-0%-1#,19.99,4,shipped',
  '"duration_ms":1##.###,"bytes":%######',
  'Das Teil 4##.%##.### passt nicht.',
  'Model ABC%### from 201#',
  'EAN 40######%####',
  'job-%####-****-x',
  '#************ (color)',
  'The year 201# had 365 days and %,### hours.',
  'Aktenzeichen 12 C 3##/2#',
  'Chapter 1.2.%.4',
  'offset 0x%*******',
  'heap 1##M, 2##M, 4##M of 8###M',
  'Score: 3-1 (2-0), 45:1#',
  'Konferenz 2024: 12.-1#. Mai',
];

/** Returns the set. */
export function labelledSet(): readonly Labelled[] {
  const dice = new Dice();
  const set: Labelled[] = [];
  const place = (template: string, name: string, value: string): void => {
    const start = template.indexOf('{}');
    set.push({ text: template.replace('{}', () => value), values: [{ name, start, end: start + value.length }] });
  };
  const needsWord = new Set(['birth-date', 'passport', 'driving-licence', 'bic', 'icd10']);
  for (const [name, templates] of Object.entries(named)) {
    const generate = generators[name] ?? (() => '');
    const all = needsWord.has(name) ? templates : [...templates, ...around];
    for (let round = 0; round < (needsWord.has(name) ? 4 : 5); round += 1) {
      for (const template of all) {
        place(template, name, generate(dice));
      }
    }
  }
  // Identifiers are known by examples alone, because a number that is made could be somebody's.
  for (const { name, example } of builtInClasses.filter((each) => generators[each.name] === undefined && /^\w\w-/.test(each.name))) {
    const [, before = '', value = example] = /^(\p{L}{3,}(?: \p{L}+)*) (\d.*)$/u.exec(example) ?? [];
    for (const template of around) {
      place(before === '' ? template : template.replace('{}', () => `${before} {}`), name, value);
    }
  }
  const empty = Math.ceil(set.length / others.length);
  for (let round = 0; round < empty; round += 1) {
    for (const template of others) {
      set.push({ text: dice.filled(template), values: [] });
    }
  }
  return set;
}
