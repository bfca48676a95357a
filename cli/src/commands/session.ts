import { createWriteStream, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { HaltedSession, MessageRange, ShownRecord } from '@countersign/gateway/api';
import { replaceWholeFile } from '@countersign/gateway/store';
import { Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import {
  isRecordName,
  isStored,
  parseBytes,
  parseChannels,
  parseKinds,
  parseLimit,
  parsePort,
  parseRecord,
  parseRecording,
  parseSession,
  parseShown,
  parseSpeed,
  type ByteRange,
} from '../arguments.ts';
import { asciicast, castVersions, type CastOptions } from '../asciicast.ts';
import { briefly } from '../brief.ts';
import { parseDuration } from '../duration.ts';
import { folded, type Entry } from '../folded.ts';
import { meaningOnlyIf } from '../heeded-command.ts';
import { addLocation, keyOption, type LocationOptions } from '../location-options.ts';
import { findRecord, findSession } from '../names.ts';
import { narrowed, type Narrowing } from '../narrow.ts';
import { addRecordingPlaces, RecordingSource, type RecordingOptions } from '../recording-source.ts';
import { printRows, type RowOptions } from '../rows.ts';
import type { ServeOptions } from '../serve-recording.ts';
import { listOf, openSource, sessionPath, type SourceOptions } from '../session-source.ts';
import { describeOverview, describeRecord, describeSession, legend, type Extent } from '../show.ts';
import { linked } from '../value-words.ts';

const example = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
const otherExample = example.split('').toReversed().join('');
/** The longest time that one timer can wait. */
const waitMsMax = 2 ** 31 - 1;
/** The options that have no meaning for the bytes of a record. */
const timelineOptions = ['brief', 'full', 'json', 'grep', 'each', 'channel', 'kind'];

export function addSession(program: Command): void {
  const session = program
    .command('session')
    .description('recorded sessions, and those that are open now')
    .addHelpText(
      'after',
      '\nThe first 8 digits of the id of a session are enough to name it, if no other begins with them.\n\nExample:\n  countersign session list',
    );
  addReading(session);
  addNarrowing(session.command('watch').argument('<id>', 'session, as session list prints it', parseSession))
    .description('follow a session while it is open')
    .addOption(eachOption())
    .option('--json', 'one JSON object a line')
    .addHelpText('after', `\nExample:\n  countersign session watch ${example} --kind request`)
    .action(watch);
  addLocation(session.command('halt').argument('<id>', 'session, as session list prints it', parseSession))
    .description('end a session now; its token stays valid, unless it is that of a run')
    .option('--reason <text>', 'recorded, and told to the client', '')
    .addHelpText('after', `\nExample:\n  countersign session halt ${example} --reason "reads too much"`)
    .action(halt);
}

/** Adds the commands that also work on a data directory without a running gateway. */
function addReading(session: Command): void {
  const dataOption = new Option('--data <dir>', 'read this data directory itself, for instance a copy').conflicts(['config', 'url']);
  addLocation(session.command('list'))
    .description('sessions, oldest first, each with its risk and title')
    .option('--query <query>', 'only those with a record for which it holds, as "class:card"; countersign search --help says more')
    .option('--since <time>', 'only those that began from this time on, or are of this age: 2026-11-29, 90d')
    .option('--until <time>', 'only those that began up to this time')
    .option('--newest', 'newest first')
    .option('--no-content', 'facts alone: no titles, and no words of the text may be asked for')
    .option('--all', "also the gateway's own: starts, refused logins, acts of administrators, who read what")
    .option('--after <id>', 'only those that come after this session in the list', parseSession)
    .option('--limit <number>', 'at most this many', parseLimit)
    .addOption(dataOption)
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign session list --json\n  countersign session list --newest --limit 20 --query "verdict:deny" --since 7d')
    .action(list);
  const shown = addNarrowing(
    session.command('show').argument('<id>', 'session, as session list prints it, the file of a bundle, or a record: LOG/INDEX, or SESSION#4', parseShown),
  )
    .description('the timeline of a session: every record of all its channels, in the order of time; or one record')
    .addOption(keyOption())
    .addOption(new Option('--brief', 'a line for each request and each answer').conflicts(['full', 'json']))
    .addOption(dataOption)
    .addOption(eachOption())
    .addOption(new Option('--full', 'long texts as a whole, not only their beginning and the matches').conflicts('json'))
    .addOption(new Option('--no-content', 'facts alone: nothing of the content is shown').conflicts(['full', 'data', 'bytes']))
    .option('--json', 'one JSON object a line, texts whole')
    .addOption(
      new Option('--record <number>', 'with --bytes: the number of the record, which session show prints after #')
        .argParser(parseRecord)
        .conflicts(timelineOptions),
    )
    .addOption(
      new Option(
        '--bytes <a-b>',
        'with --record: these bytes of the record and of those that continue it, as they were recorded; A- reaches to the end',
      ).argParser(parseBytes),
    )
    .addHelpText(
      'after',
      `\n${legend}\n\nExits with 1 if --grep finds nothing, or if there are fewer bytes.\n\nExample:\n  countersign session show ${example} --kind request --grep refund\n  countersign session show ${example} --record 7 --bytes 0-1048575 > value`,
    )
    .action(show);
  addRecordingPlaces(shown);
  const replayed = addNarrowing(session.command('replay').argument('<id>', 'session, as session list prints it, or the file of a bundle', parseRecording))
    .argument('[command...]', 'with --serve: the command to run, after --')
    .description('play a session in its recorded pace, or serve it: the recording answers the same requests, without any target')
    .addOption(dataOption)
    .addOption(eachOption())
    .option('--serve', 'serve the recording in place of the targets: to the command, or until Ctrl-C to programs with the environment that is printed')
    .option('--port <port>', 'with --serve: the local port; further protocols use the next ones; by default any free ports', parsePort, 0)
    .addOption(keyOption())
    .option('--speed <factor>', 'play this many times as fast; --serve makes no pauses without it', parseSpeed)
    .option('--idle-limit <duration>', 'no pause longer than this', parseDuration)
    .addOption(new Option('--no-wait', 'no pauses at all').conflicts(['speed', 'idleLimit']))
    .addHelpText(
      'after',
      `\nWith --serve it exits with the command's own code, or with 1 if a request was not in the recording.\n\nExample:\n  countersign session replay ${example} --speed 4 --idle-limit 5s\n  countersign session replay ${example} --serve -- node agent.mjs`,
    )
    .action(replay);
  addRecordingPlaces(replayed);
  meaningOnlyIf(replayed, ['port'], (_words, { serve }) => serve === true, 'it goes with --serve');
  addLocation(session.command('export').argument('<id>', 'session, as session list prints it', parseSession))
    .description('a bundle that proves the session without the gateway; countersign verify FILE checks it')
    .addOption(dataOption)
    .option('--out <file>', 'instead of standard output')
    .addOption(new Option('--stamped', 'of the newest checkpoint that has a timestamp (countersign timestamp)').conflicts('data'))
    .option('--policies', 'also the texts of the policies that decided in it, for countersign policy explain --bundle')
    .addOption(
      new Option('--asciicast [version]', 'instead of a bundle, its terminal as an asciicast, for players such as asciinema')
        .choices(castVersions)
        .preset('2')
        .conflicts(['stamped', 'policies']),
    )
    .addOption(
      new Option('--record <number>', 'with --asciicast: the request whose program is shown; by default the first with a terminal').argParser(parseRecord),
    )
    .addHelpText('after', `\nExample:\n  countersign session export ${example} --out session.bundle`)
    .action(exportSession);
  const compared = addLocation(
    session
      .command('diff')
      .argument('<a>', 'session, as session list prints it, or the file of a bundle', parseRecording)
      .argument('<b>', 'what to compare it with', parseRecording),
  )
    .description('where two runs differ: requests and answers that only one of them has')
    .addOption(keyOption())
    .addOption(dataOption)
    .option('--json', 'one request a line: {change: same | answer | cause | unknown | removed | added, target, action, a, b}')
    .addHelpText('after', `\nExits with 0 when they are the same, 1 when they differ.\n\nExample:\n  countersign session diff ${example} ${otherExample}`)
    .action(async (a: string, b: string, options: RecordingOptions & RowOptions) => {
      const { diffRecordings } = await import('../diff/diff-recordings.ts');
      await diffRecordings(a, b, options);
    });
  addRecordingPlaces(compared);
}

function eachOption(): Option {
  return new Option('--each', 'each record of an answer that came in pieces, not one text at its end; --json always prints each');
}

/** Returns the entries to print. For people, an answer in several records is one entry, unless each record is asked for. */
function timeline(records: AsyncIterable<ShownRecord>, options: Narrowing & RowOptions & Pieces): AsyncGenerator<Entry> {
  if (options.json === true) {
    return narrowed(records, options);
  }
  return narrowed<Entry>(linked(options.each === true ? records : folded(records)), options);
}

interface Pieces {
  readonly each?: boolean;
}

/** Adds the options of commands that print a timeline. */
function addNarrowing(command: Command): Command {
  return addLocation(command)
    .option('--channel <number>', 'only this channel, as it is printed before each record; can be repeated', parseChannels, [])
    .option('--kind <kind>', 'only this kind of record, for instance request; can be repeated', parseKinds, [])
    .option('--grep <text>', 'only records with this text, also in the values that --json prints; case is ignored');
}

interface ListOptions extends SourceOptions, RowOptions {
  readonly all?: boolean;
  readonly newest?: boolean;
  readonly after?: string;
  readonly limit?: number;
  readonly query?: string;
  readonly since?: string;
  readonly until?: string;
  readonly content: boolean;
}

async function list(options: ListOptions): Promise<void> {
  await using source = await openSource(options);
  const { all, newest, after, limit, query, since, until, content } = options;
  const begin = after === undefined ? {} : { after: await findSession(after, (page) => source.sessions(page)) };
  const page = {
    which: all === true ? 'all' : 'clients',
    order: newest === true ? 'newest' : 'oldest',
    ...begin,
    ...(limit === undefined ? {} : { limit }),
  } as const;
  await printRows(source.list({ ...page, query, since, until, content }), options, describeSession);
}

interface ShowOptions extends RecordingOptions, Narrowing, RowOptions, Extent, Pieces {
  readonly brief?: boolean;
  readonly record?: number;
  readonly bytes?: ByteRange;
}

async function show(recording: string, options: ShowOptions, self: Command): Promise<void> {
  const { record: number, bytes } = options;
  // Checked before anything is shown.
  if (options.content === false && !isStored(recording)) {
    self.error('error: --no-content does not go with a record or a bundle: name a session');
  }
  if (isRecordName(recording)) {
    if (number !== undefined) {
      self.error('error: --record and --bytes go with a session');
    }
    await showRecord(recording, options);
    return;
  }
  if ((number === undefined) !== (bytes === undefined)) {
    self.error('error: --record and --bytes go together');
  }
  if (number !== undefined && bytes !== undefined) {
    await writeBytes(recording, { record: number, ...bytes }, options);
    return;
  }
  await using source = new RecordingSource(options);
  if (options.brief === true) {
    for await (const line of briefly(timeline(source.records(recording), options))) {
      console.log(line);
    }
    return;
  }
  const { json, channel, kind, grep } = options;
  const isWhole = json !== true && channel.length === 0 && kind.length === 0 && grep === undefined;
  const overview = isWhole ? await source.overview(recording) : null;
  if (overview !== null) {
    console.log(describeOverview(overview));
  }
  await printRows(timeline(source.records(recording), options), options, (record) => describeRecord(record, options));
}

/** Shows the record that is named `LOG/INDEX` or `SESSION#NUMBER`, and says of which session it is. */
async function showRecord(name: string, options: ShowOptions): Promise<void> {
  await using source = await openSource(options);
  const record = await source.record(await findRecord(name, source));
  await printRows([record], options, (each) => `session ${each.session}\n${describeRecord(each, options)}`);
}

/** Writes the bytes to standard output as they are. Refuses to write to a terminal, which would obey control characters in them. */
async function writeBytes(recording: string, range: MessageRange, options: RecordingOptions): Promise<void> {
  if (process.stdout.isTTY) {
    throw new Error('the recorded bytes could control the terminal: send them to a file or to a program, for instance > value or | less');
  }
  await using source = new RecordingSource(options);
  let count = 0;
  const counted = async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const bytes of source.bytes(recording, range)) {
      count += bytes.length;
      yield bytes;
    }
  };
  await pipeline(Readable.from(counted(), { objectMode: false }), process.stdout, { end: false });
  if (range.to !== null && count <= range.to - range.from) {
    const last = range.from + count - 1;
    throw new Error(`record ${range.record} and the parts that continue it end with byte ${last}: there is no byte ${range.to}`);
  }
}

interface ReplayOptions extends ServeOptions, Narrowing, Pieces {
  readonly idleLimit?: number;
  readonly wait: boolean;
  readonly serve?: boolean;
}

async function replay(recording: string, words: readonly string[], options: ReplayOptions, self: Command): Promise<void> {
  const { channel, kind, grep, each, idleLimit, wait, serve } = options;
  if (serve === true && (channel.length > 0 || kind.length > 0 || grep !== undefined || each === true || idleLimit !== undefined || !wait)) {
    self.error('error: --channel, --kind, --grep, --each, --idle-limit and --no-wait do not go with --serve');
  }
  if (serve === true) {
    const { serveRecording } = await import('../serve-recording.ts');
    process.exitCode = await serveRecording(recording, words, options, self.getOptionValueSource('config') === 'cli');
  } else if (words.length > 0) {
    self.error('error: a command needs --serve');
  } else {
    await play(recording, options);
  }
}

async function play(recording: string, options: ReplayOptions): Promise<void> {
  await using source = new RecordingSource(options);
  const pauseMsMax = options.wait ? (options.idleLimit ?? Number.POSITIVE_INFINITY) : 0;
  let dueMs = performance.now();
  let before: number | null = null;
  for await (const record of timeline(source.records(recording), options)) {
    const now = Date.parse(record.folded?.time ?? record.time);
    // The time is counted from when the record was due and not from when it was printed, so that delays do not add up.
    dueMs += Math.min(pauseMsMax, Math.max(0, now - (before ?? now)) / (options.speed ?? 1));
    before = now;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) {
      await delay(Math.min(waitMsMax, waitMs));
    }
    if (record.content !== null || record.kind === 'close' || record.kind === 'approval') {
      console.log(describeRecord(record, { full: true }));
    }
  }
}

async function watch(id: string, options: LocationOptions & Narrowing & RowOptions & Pieces): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => {
    stop.abort();
  });
  try {
    const api = await ApiClient.open(options);
    const session = await findSession(id, (page) => listOf(api, page));
    const records = api.rows<ShownRecord>(`${sessionPath(session)}/watch`, stop.signal);
    await printRows(timeline(records, options), options, (record) => describeRecord(record, options));
  } catch (error) {
    if (!stop.signal.aborted) {
      throw error;
    }
  }
}

async function halt(id: string, options: LocationOptions & { readonly reason: string }): Promise<void> {
  const api = await ApiClient.open(options);
  const session = await findSession(id, (page) => listOf(api, page));
  const { token } = await api.json<HaltedSession>('POST', `${sessionPath(session)}/halt`, { reason: options.reason });
  console.log(`halted ${session}`);
  if (token !== null) {
    console.log(`its token is still valid and can open another session: countersign token revoke ${token} revokes it and ends everything that it opened`);
  }
}

interface ExportOptions extends SourceOptions {
  readonly out?: string;
  readonly policies?: true;
  readonly stamped?: true;
  readonly asciicast?: CastOptions['version'];
  readonly record?: number;
}

async function exportSession(id: string, options: ExportOptions, self: Command): Promise<void> {
  if (options.record !== undefined && options.asciicast === undefined) {
    self.error('error: --record goes with --asciicast');
  }
  await using source = await openSource(options);
  const session = await findSession(id, (page) => source.sessions(page));
  const bundle = Readable.from(
    options.asciicast !== undefined
      ? asciicast(source.records(session), { version: options.asciicast, request: options.record })
      : source.bundle(session, { policies: options.policies === true, isStamped: options.stamped === true }),
  );
  if (options.out === undefined) {
    await pipeline(bundle, process.stdout, { end: false });
  } else if (statSync(options.out, { throwIfNoEntry: false })?.isFile() === false) {
    await pipeline(bundle, createWriteStream(options.out));
  } else {
    await replaceWholeFile(options.out, bundle);
  }
}
