import { createReadStream, existsSync } from 'node:fs';
import { builtInClasses, ClassSets, placedClasses, TextScan, type ClassSet, type DataClass } from '@countersign/gateway/classes';
import { countOf } from '@countersign/gateway/count-of';
import type { Command } from 'commander';
import { loadConfig } from '../configuration.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';

export function addClass(program: Command): void {
  const group = program
    .command('class')
    .description('classes of data: what values a text holds')
    .addHelpText('after', '\nExample:\n  countersign class test "Write to jane.doe@example.com"');
  group
    .command('list')
    .description('the classes that are built in, with an example of each, and those of a configuration')
    .option('--config <file>', 'with the classes of this configuration')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign class list')
    .action(list);
  group
    .command('test')
    .argument('[text]', 'a file, or else a text; - or nothing for standard input', '-')
    .description('print the values of all classes in a text, with their places in UTF-16 units')
    .option('--config <file>', 'with the classes of this configuration')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign class test "Write to jane.doe@example.com"\n  countersign class test ./answer.json --json')
    .action(test);
}

interface ClassOptions extends RowOptions {
  readonly config?: string;
}

async function ownClasses({ config }: ClassOptions): Promise<readonly DataClass[]> {
  return config === undefined ? [] : [...(await loadConfig({ config })).classes.values()];
}

async function list(options: ClassOptions): Promise<void> {
  await printRows(builtInClasses, options, ({ name, about, example }) => columns(name, example, about));
  await printRows(placedClasses, options, ({ name, about }) => columns(name, '', about));
  const own = await ownClasses(options);
  const { describeClass } = await import('@countersign/gateway/config');
  await printRows(own, options, (each) => columns(each.name, describeClass(each)));
}

interface ShownValue {
  readonly class: string;
  readonly start: number;
  end: number;
  value: string;
}

async function test(place: string, options: ClassOptions): Promise<void> {
  const own = await ownClasses(options);
  const classes = new ClassSets(own).of([...builtInClasses, ...own].map(({ name }) => name));
  const isText = place !== '-' && !existsSync(place);
  let bytes = 0;
  const pieces = async function* (): AsyncGenerator<string> {
    const input = isText ? [place] : (place === '-' ? process.stdin : createReadStream(place)).setEncoding('utf8');
    for await (const piece of input) {
      bytes += Buffer.byteLength(String(piece));
      yield String(piece);
    }
  };
  const values = await printRows(valuesIn(pieces(), classes), options, (shown) => columns(`${shown.start}-${shown.end}`, shown.class, shown.value));
  if (values === 0) {
    console.error(
      `No value of a class was found in the ${countOf(bytes, 'byte')} of ${isText ? 'this text' : place === '-' ? 'standard input' : 'this file'}.`,
    );
  }
}

async function* valuesIn(pieces: AsyncIterable<string>, classes: ClassSet): AsyncGenerator<ShownValue> {
  const scan = new TextScan(classes);
  let settledUnits = 0;
  let last: ShownValue | null = null;
  const take = function* ({ text, found }: ReturnType<TextScan['end']>): Generator<ShownValue> {
    for (const { name, start, end, isContinued } of found) {
      const value = text.slice(start, end);
      if (isContinued && last !== null) {
        last.end = settledUnits + end;
        last.value += value;
      } else {
        if (last !== null) {
          yield last;
        }
        last = { class: name, start: settledUnits + start, end: settledUnits + end, value };
      }
    }
    settledUnits += text.length;
  };
  for await (const piece of pieces) {
    yield* take(scan.push(piece));
  }
  yield* take(scan.end());
  if (last !== null) {
    yield last;
  }
}
