import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtInClasses } from '../gateway/src/classes/catalogue.ts';
import { ClassSet } from '../gateway/src/classes/class-set.ts';
import { labelledSet } from '../gateway/src/classes/testdata/labelled.ts';
import { scoresOf } from '../gateway/src/classes/testdata/recall.ts';
import { TextScan } from '../gateway/src/classes/text-scan.ts';
import { printAims } from './aims.ts';
import { benchFollowed } from './followed.ts';
import { benchMaskLoads } from './mask-loads.ts';
import { median, printMachine, printTable } from './table.ts';

/** Each text is about so long, in UTF-16 units. */
const textUnits = 2_000_000;
/** Pieces as a socket or a model brings them. */
const pieceUnits = 1400;
const rounds = 7;

const document = readFileSync(join(import.meta.dirname, '..', 'docs', 'threat-model.md'), 'utf8');

/** Texts by what they are. Those without values in their names hold nothing, or hardly anything, of any class. */
function texts(): Readonly<Record<string, string>> {
  const set = labelledSet();
  const repeat = (text: string): string => text.repeat(Math.ceil(textUnits / text.length));
  const line = (i: number): string =>
    `2024-05-06T07:08:${10 + (i % 50)}.123Z INFO trace_id=4bf92f3577b34da6a3ce929d0e0e${4000 + (i % 1000)} GET /api/v1/orders/${1_000_000 + i} 200 12ms "done"\n`;
  const row = (i: number): string =>
    `{"id":${i},"name":"Item ${i}","state":"shipped","total":${10 + (i % 90)}.50,"at":"2024-05-${10 + (i % 20)}","note":"left at the door of the house"},\n`;
  const person = (i: number): string =>
    `{"id":${i},"name":"Jane ${i}","email":"user${i}@example.com","phone":"+1 555-555-01${10 + (i % 90)}","note":"please write or call about what was ordered"},\n`;
  // A row of a generator of random digits, so that no two numbers are the same.
  const digits = (i: number, salt: number, count: number): string => String((i * 2_654_435_761 + salt * 40_503) % 10 ** count).padStart(count, '0');
  const numbers = (i: number): string => [3, 5, 8, 10, 6].map((count) => digits(i, count, count)).join('\t') + `\t${digits(i, 1, 4)}.${digits(i, 2, 2)}\n`;
  const time = (i: number): string => `2024-05-${10 + (i % 20)} 10:${10 + (i % 50)}:${10 + (i % 49)}.${digits(i, 3, 6)}+00\n`;
  const id = (i: number): string => `${uuidOf(i)}\n`;
  const made = (of: (i: number) => string): string => repeat(Array.from({ length: 2000 }, (_, i) => of(i)).join(''));
  return {
    prose: repeat(document),
    'rows in JSON': made(row),
    'lines of logs': made(line),
    'columns of numbers': made(numbers),
    'times of a day': made(time),
    UUIDs: made(id),
    'what looks like values': repeat(set.flatMap(({ text, values }) => (values.length === 0 ? [text] : [])).join('\n')),
    'rows in JSON with two values each': made(person),
    'sentences with a value each': repeat(set.flatMap(({ text, values }) => (values.length === 0 ? [] : [text])).join('\n')),
  };
}

function uuidOf(i: number): string {
  const hex = Buffer.from(String(i * 7919).padStart(16, '3')).toString('hex');
  return [hex.slice(16, 24), hex.slice(0, 4), `4${hex.slice(5, 8)}`, `a${hex.slice(9, 12)}`, hex.slice(12, 24)].join('-');
}

/** Scans a text in pieces. Returns the number of values, and the processor time in seconds. */
function scan(text: string, classes: ClassSet): { readonly values: number; readonly seconds: number } {
  const begun = process.cpuUsage();
  const scanning = new TextScan(classes);
  let values = 0;
  for (let i = 0; i < text.length; i += pieceUnits) {
    values += scanning.push(text.slice(i, i + pieceUnits)).found.length;
  }
  values += scanning.end().found.length;
  const { user, system } = process.cpuUsage(begun);
  return { values, seconds: (user + system) / 1e6 };
}

/**
 * Prints how fast texts are scanned, how many values of the labelled set are found, and what inspection and masks cost in the path of statements and of requests
 * to a model. `mask texts`, `mask followed` and `mask loads` measure a part.
 */
export async function benchMask([part]: readonly string[]): Promise<void> {
  printMachine();
  if (part === undefined || part === 'texts') {
    benchTexts();
  }
  if (part === undefined || part === 'followed') {
    benchFollowed();
  }
  if (part === undefined || part === 'loads') {
    await benchMaskLoads();
  }
}

function benchTexts(): void {
  console.log(`Texts of ${textUnits / 1e6} MB in pieces of ${pieceUnits} units; MB per second of processor time, median of ${rounds}.\n`);
  const sets = {
    'email, card, phone, iban': new ClassSet(['email', 'card', 'phone', 'iban']),
    'all classes': new ClassSet(builtInClasses.map(({ name }) => name)),
  };
  const rows: string[][] = [['text', 'values per MB', ...Object.keys(sets)]];
  const speeds = new Map<string, number[]>();
  for (const [title, text] of Object.entries(texts())) {
    let perMegabyte = 0;
    for (const classes of Object.values(sets)) {
      const measured = Array.from({ length: rounds }, () => scan(text, classes));
      perMegabyte = ((measured[0]?.values ?? 0) / text.length) * 1e6;
      speeds.set(title, [...(speeds.get(title) ?? []), text.length / 1e6 / median(measured.map(({ seconds }) => seconds))]);
    }
    rows.push([title, perMegabyte.toFixed(0), ...(speeds.get(title) ?? []).map((speed) => speed.toFixed(0))]);
  }
  printTable(rows);
  const set = labelledSet();
  const scores = scoresOf(set);
  console.log(
    `\nThe labelled set: ${set.length} texts, ${set.filter(({ values }) => values.length === 0).length} of them without a value. A value counts if class and both ends are right.\n`,
  );
  printTable([
    ['class', 'values', 'recall', 'precision'],
    ...scores.map(({ name, wanted, right, wrong }) => [name, String(wanted), share(right, wanted), share(right, right + wrong)]),
  ]);
  const sum = (of: 'wanted' | 'right' | 'wrong'): number => scores.reduce((all, score) => all + score[of], 0);
  const [, proseAll = 0] = speeds.get('prose') ?? [];
  const [, rowsAll = 0] = speeds.get('rows in JSON with two values each') ?? [];
  printAims([
    { text: 'MB/s without values ≥ 60, prose, all classes', measured: proseAll, least: 60 },
    { text: 'MB/s with values ≥ 20, rows in JSON, all classes', measured: rowsAll, least: 20 },
    { text: 'recall ≥ 0.97', measured: sum('right') / sum('wanted'), least: 0.97 },
    { text: 'precision ≥ 0.98', measured: sum('right') / (sum('right') + sum('wrong')), least: 0.98 },
  ]);
}

function share(part: number, of: number): string {
  return of === 0 ? '' : (part / of).toFixed(3);
}
