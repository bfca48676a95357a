import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labelledSet } from '../gateway/src/classes/testdata/labelled.ts';
import { FollowedValues } from '../gateway/src/domain/followed-values.ts';
import { Prints } from '../gateway/src/following/prints.ts';
import { printTable } from './table.ts';

const madeCount = 10_000;
const shortCount = 1000;
const textUnits = 1_000_000;
const source = (path: string): string => readFileSync(join(import.meta.dirname, '..', path), 'utf8');

/** Writes a value as clients do. */
const encodings: Readonly<Record<string, (value: string) => string>> = {
  'as it is': (value) => value,
  'in capitals': (value) => value.toUpperCase(),
  'JSON, each character as an escape': (value) => JSON.stringify({ said: value }).replaceAll(/[^{}":\\]/g, escaped),
  'percent, each character outside of letters and digits': (value) => encodeURIComponent(value),
  'a form': (value) => new URLSearchParams({ to: value }).toString(),
  'entities of HTML': (value) => Array.from(value, (each) => (/[\da-z]/i.test(each) ? each : `&#${each.codePointAt(0)};`)).join(''),
  'quoted-printable': (value) => Array.from(Buffer.from(value), (byte) => (byte > 0x3d && byte < 0x7f ? String.fromCharCode(byte) : quoted(byte))).join(''),
  base64: (value) => Buffer.from(`this is for ${value} today`).toString('base64'),
  base64url: (value) => Buffer.from(`this is for ${value} today`).toString('base64url'),
  'base64 within base64': (value) => Buffer.from(Buffer.from(`this is for ${value} today`).toString('base64')).toString('base64'),
  hex: (value) => Buffer.from(`this is for ${value} today`).toString('hex'),
  'wide characters': (value) => value.replaceAll(/[!-~]/g, (each) => String.fromCharCode(each.charCodeAt(0) + 0xfee0)),
  'an invisible character in the middle': (value) => `${value.slice(0, value.length / 2)}\u{200b}${value.slice(value.length / 2)}`,
  'spaces for other characters': (value) => value.replaceAll(/[^\p{L}\p{N}]+/gu, ' '),
  'without its other characters': (value) => value.replaceAll(/[^\p{L}\p{N}]+/gu, ''),
};

function escaped(each: string): string {
  return String.raw`\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function quoted(byte: number): string {
  return `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Texts that have nothing to do with the values. */
function unrelated(): Readonly<Record<string, string>> {
  const made = (line: (i: number) => string): string =>
    Array.from({ length: 20_000 }, (_, i) => line(i))
      .join('\n')
      .slice(0, textUnits);
  const digits = (i: number, count: number): string => String((i * 2_654_435_761) % 10 ** count).padStart(count, '0');
  return {
    'sentences without a value (labelled)': labelledSet()
      .flatMap(({ text, values }) => (values.length === 0 ? [text] : []))
      .join('\n'),
    'documents of this repository': ['docs/threat-model.md', 'docs/policy.md', 'docs/operating.md', 'ARCHITECTURE.md'].map(source).join('\n'),
    'code of this repository': ['gateway/src/sessions/live-channel.ts', 'gateway/src/exchange/serve-exchange.ts', 'gateway/src/protocols/postgres/relay.ts']
      .map(source)
      .join('\n'),
    'JSON with random numbers': made((i) =>
      JSON.stringify({ id: Number(digits(i, 8)), total: Number(digits(i, 6)) / 100, at: `2024-05-06T07:${10 + (i % 50)}`, key: digits(i, 10) }),
    ),
    'SQL with random numbers': made((i) => `insert into orders (id, customer, total) values (${digits(i, 7)}, 'Customer ${i % 977}', ${digits(i, 4)}.50);`),
  };
}

/** Prints how often a text carries a followed value by chance, which values are not known again in an encoding, and what the look for 10,000 values costs. */
export function benchFollowed(): void {
  const prints = new Prints(createSecretKey(Buffer.alloc(32, 7)));
  const isFollowed = (value: string): boolean => prints.of(value) !== null;
  const labelled = [...new Set(labelledSet().flatMap(({ text, values }) => values.map(({ start, end }) => text.slice(start, end))))];
  const values = [...labelled, ...Array.from({ length: madeCount }, (_, i) => madeValue(i))].filter(isFollowed);
  const followed = followedOf(values, prints);
  const short = followedOf(
    Array.from({ length: shortCount }, (_, i) => String(100_000 + ((i * 7919) % 900_000))),
    prints,
  );
  console.log(
    `\nValues that are followed: ${labelled.filter(isFollowed).length} of ${labelled.length} of the labelled set, and ${values.length - labelled.filter(isFollowed).length} of ${madeCount} made ones (names, addresses, numbers).\n`,
  );
  const rows = Object.entries(unrelated()).map(([title, text]) => {
    const whole = text.repeat(Math.ceil(textUnits / text.length));
    prints.find(whole, followed);
    const begun = process.cpuUsage();
    prints.find(whole, followed);
    const { user, system } = process.cpuUsage(begun);
    const counts = [followed, short].map((each) => String(prints.find(text, each).values.size));
    return [title, (text.length / 1e6).toFixed(2), ...counts, ((user + system) / 1000 / (whole.length / 1e6)).toFixed(0)];
  });
  printTable([['text that has nothing to do with them', 'MB', 'carries by chance', `${shortCount} numbers of 6 digits`, 'CPU ms per MB'], ...rows]);
  console.log('\nValues that are known again, each in a text of its own:\n');
  printTable([
    ['encoding', 'known again', 'share'],
    ...Object.entries(encodings).map(([title, encode]) => {
      const known = values.filter((value) => prints.find(`x ${encode(value)} y`, followedOf([value], prints)).values.size > 0).length;
      return [title, String(known), (known / values.length).toFixed(4)];
    }),
  ]);
}

function followedOf(values: readonly string[], prints: Prints): FollowedValues {
  const followed = new FollowedValues();
  for (const value of values) {
    followed.add({ name: 'value', print: prints.of(value) ?? '', record: 'log/1', source: 'crm' });
  }
  return followed;
}

const givenNames = ['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Katherine', 'Tim', 'Radia', 'Linus', 'Margaret', 'Dennis'];
const familyNames = ['Lovelace', 'Hopper', 'Turing', 'Dijkstra', 'Liskov', 'Knuth', 'Johnson', 'Perlman', 'Hamilton', 'Ritchie', 'Kay', 'Lamport'];

function madeValue(i: number): string {
  const given = givenNames[i % givenNames.length] ?? '';
  const family = familyNames[Math.floor(i / 12) % familyNames.length] ?? '';
  const number = (count: number): string => String((i * 40_503 + 7919) % 10 ** count).padStart(count, '0');
  switch (i % 5) {
    case 0:
      return `${given.toLowerCase()}.${family.toLowerCase()}${i}@example.com`;
    case 1:
      return `${given} ${family} ${['I', 'II', 'III', 'jr', 'sr'][i % 3] ?? ''}${i}`;
    case 2:
      return `+49 ${number(3)} ${number(7)}`;
    case 3:
      return `4${number(3)} ${number(4)} ${number(4)} ${number(4)}`;
    default:
      return `${number(3)}-${number(2)}-${number(4)}`;
  }
}
