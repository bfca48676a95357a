import { countOf } from '@countersign/gateway/count-of';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Option, type Command } from 'commander';
import { parseRecordId } from '../arguments.ts';
import { addBundle, addLocation } from '../location-options.ts';
import { findRecord } from '../names.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { openSource, type SourceOptions } from '../session-source.ts';
import { bold } from '../terminal.ts';
import { mayCarry } from '../value-words.ts';
import { type Trace, type TracedValue } from '@countersign/gateway/record-trace';

/** So many digits of a session name it, and of a print show which of two values it is. */
const sessionDigits = 8;
const printDigits = 8;

export function addTrace(program: Command): void {
  addBundle(
    addLocation(
      program
        .command('trace')
        .argument('<record>', 'LOG/INDEX, as session show --json prints it, or SESSION#4 for what session show prints as #4', parseRecordId),
    ),
    'read the session of the record from this file of session export, without a gateway',
  )
    .description('where the values of a request or an answer came from, and which requests carried them')
    .addOption(new Option('--data <dir>', 'read this data directory itself, for instance a copy').conflicts(['config', 'url']))
    .option('--json', 'one value a line: {class, print, source, from, carriedBy, carriersLeftOut}')
    .addHelpText(
      'after',
      '\nValues are followed that are of the classes of inspect: of a target. They are never printed: where two must be told apart, the end of their keyed print is.\n\nExample:\n  countersign trace 0123456789abcdef/42\n  countersign trace 0f1e2d3c#12 --json',
    )
    .action(trace);
}

interface TraceOptions extends SourceOptions, RowOptions {
  readonly bundle?: string;
  readonly key: readonly string[];
}

async function trace(name: string, options: TraceOptions): Promise<void> {
  const traced = options.bundle === undefined ? await traceInStore(name, options) : await traceInBundle(name, options.bundle, options);
  if (traced.side === null) {
    const { record: id, kind, session } = traced.record;
    throw new Error(`${id} is of the kind ${kind} and belongs to no request: countersign session show ${session} has the requests (→) and the answers (←)`);
  }
  if (options.json === true) {
    await printRows(traced.values, options, () => '');
    return;
  }
  const { session, seq, time, target, action, kind, verdict, policies } = traced.record;
  console.log(bold(columns(`${session.slice(0, sessionDigits)}#${seq}`, time, target ?? '', action ?? kind, ...(verdict === null ? [] : [verdict, policies]))));
  for (const line of linesOf(traced)) {
    console.log(line);
  }
}

async function traceInStore(name: string, options: SourceOptions): Promise<Trace> {
  await using source = await openSource(options);
  return await source.trace(await findRecord(name, source));
}

/** A bundle has one session: what came or went in others is not found. */
async function traceInBundle(name: string, file: string, options: Pick<TraceOptions, 'key'>): Promise<Trace> {
  await using handle = await open(file, 'r');
  const { openBundle, recordIn } = await import('../bundle-source.ts');
  const bundle = await openBundle(file, handle, options);
  const [{ traceRecord }, record] = await Promise.all([import('@countersign/gateway/record-trace'), recordIn(bundle, name, file)]);
  return await traceRecord(record, {
    records: (session) => (session === record.session ? bundle.records() : Readable.from([])),
    sessions: () => Readable.from([]),
  });
}

/** Values of one class that came in one place and went the same way are one group. */
function* linesOf(traced: Trace): Generator<string> {
  const { values, isCut, forgetsFrom, record } = traced;
  const groups = Map.groupBy(values, ({ class: name, source, from, carriedBy }) =>
    JSON.stringify([name, source, from.record, carriedBy.map(({ record: by }) => by)]),
  );
  const alike = Map.groupBy(groups.values(), ([value]) => JSON.stringify([value?.class, value?.source]));
  for (const group of groups.values()) {
    const [value] = group;
    if (value !== undefined) {
      const isOneOfSeveral = (alike.get(JSON.stringify([value.class, value.source]))?.length ?? 0) > 1;
      const print = isOneOfSeveral && group.length === 1 ? [value.print.slice(-printDigits)] : [];
      yield columns(value.class, countOf(group.length, 'value'), value.source, ...print);
      yield* wayOf(value);
    }
  }
  if (isCut) {
    yield 'The record names the first 100 values that it carries. There may be more.';
  }
  if (forgetsFrom !== null) {
    yield `From ${record.session.slice(0, sessionDigits)}#${forgetsFrom} on its session saw more values than are followed.`;
  }
  if (!traced.isWholeActivity) {
    yield `Only ${countOf(traced.sessions.length, 'session')} of its activity were read.`;
  }
  const rest = restOf(traced);
  if (rest !== null) {
    yield rest;
  }
}

function* wayOf({ from, carriedBy, carriersLeftOut }: TracedValue): Generator<string> {
  yield `  ← ${columns(...placeColumns(from))}`;
  for (const carrier of carriedBy) {
    yield `  → ${columns(...placeColumns(carrier), carrier.verdict ?? '', carrier.policies)}`;
  }
  if (carriersLeftOut > 0) {
    yield `  → and in ${countOf(carriersLeftOut, 'further request')}`;
  }
  if (carriedBy.length === 0) {
    yield '  → in no request since';
  }
}

function placeColumns({ record, session, seq, time, target, action }: TracedValue['from']): readonly string[] {
  return session === null ? [record, 'not found here'] : [`${session.slice(0, sessionDigits)}#${seq}`, time ?? '', target ?? '', action ?? ''];
}

/** Says which values are not followed; null if all are. */
function restOf({ side, values, record }: Trace): string | null {
  const { attributes } = record;
  if (side === 'request' && mayCarry(record)) {
    return 'It is in a form in which nobody can look for values, or too long for that: it may carry some.';
  }
  if (attributes[ownAttributes.inspected] === false) {
    return 'It could not be inspected as a whole.';
  }
  if (side === 'request') {
    const besides = attributes[ownAttributes.masked] === undefined ? '' : ', beside what a mask kept from the target';
    return values.length > 0 ? null : `It carries no value that the session saw before${besides}.`;
  }
  const known = new Set([...values.map((value) => value.class), ...textsOf(attributes[ownAttributes.masked]).map((each) => each.split('=', 1)[0])]);
  const rest = textsOf(attributes[ownAttributes.classes]).filter((name) => !known.has(name));
  if (rest.length > 0) {
    return `It has values of ${rest.join(', ')}, of which none came first in it or can be followed.`;
  }
  return values.length > 0 ? null : 'No value was seen in it. inspect: of a target says which classes are looked for, and what is masked is not seen.';
}

function textsOf(value: Trace['record']['attributes'][string] | undefined): readonly string[] {
  return [value ?? []].flat().map(String);
}
