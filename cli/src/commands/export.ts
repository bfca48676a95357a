import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { replaceWholeFile } from '@countersign/gateway/store';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { csvLine } from '../csv.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { parseRecord } from '../arguments.ts';
import { addExportEvidence } from './export-evidence.ts';
import { parquetFile, type ParquetColumn } from '../parquet-file.ts';

const formats = ['ocsf', 'ocsf-attested', 'otlp', 'csv', 'parquet'] as const;

/** The options of the command, before it is known that they say a form. */
interface GivenOptions extends Omit<ExportOptions, 'format'> {
  readonly format?: Format;
}

type Format = (typeof formats)[number];

interface ExportOptions extends LocationOptions {
  readonly query: string;
  readonly since?: string;
  readonly until?: string;
  readonly format: Format;
  readonly out?: string;
  readonly from?: number;
  readonly follow?: boolean;
  readonly content: boolean;
}

/** A record as the API exports it in rows. */
type Row = Readonly<Record<string, unknown>>;

const columns: readonly ParquetColumn[] = [
  { name: 'record', type: 'STRING' },
  { name: 'session', type: 'STRING' },
  { name: 'seq', type: 'INT64' },
  { name: 'time', type: 'TIMESTAMP' },
  { name: 'principal', type: 'STRING' },
  { name: 'onBehalfOf', type: 'STRING' },
  { name: 'target', type: 'STRING' },
  { name: 'protocol', type: 'STRING' },
  { name: 'kind', type: 'STRING' },
  { name: 'action', type: 'STRING' },
  { name: 'verdict', type: 'STRING' },
  { name: 'policies', type: 'JSON' },
  { name: 'attributes', type: 'JSON' },
  { name: 'text', type: 'STRING' },
  { name: 'verified', type: 'BOOLEAN' },
];
const mediaTypes = {
  ocsf: 'application/x-ndjson',
  'ocsf-attested': 'application/x-ndjson',
  otlp: 'application/json',
  csv: 'text/csv; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
} as const;

export function addExport(program: Command): void {
  const command = addLocation(program.command('export'))
    .description('records for which a query holds, the oldest first, for other programs: each is opened and compared with its leaf')
    .option('--query <query>', 'which records, as countersign search takes it; empty: all', '')
    .option('--since <time>', 'from this time on, or of this age: 2026-11-29, 90d')
    .option('--until <time>', 'up to this time')
    .option('--from <index>', 'from this index of the log on: to go on where an export ended', parseRecord)
    .addOption(new Option('--format <format>', 'events of OCSF 1.8, of 1.9 with their fingerprints, or logs of OTLP, one a line; or a table').choices(formats))
    .option('--out <file>', 'instead of standard output; https://HOST/PATH: sent there')
    .option('--follow', 'go on with what is recorded, until it is interrupted')
    .option('--no-content', 'facts alone')
    .addHelpText(
      'after',
      `\nExample:\n  countersign export --query 'target:orders since:90d' --format parquet --out orders.parquet\n  countersign export --query 'verdict:deny' --format ocsf --out denied.ndjson --follow`,
    )
    .action(exportRecords);
  addExportEvidence(command);
}

async function exportRecords({ format, ...given }: GivenOptions): Promise<void> {
  const { out, follow = false } = given;
  if (format === undefined) {
    throw new InvalidArgumentError(
      `error: --format says in which form records are wanted: ${formats.join(', ')}. A page that proves sessions: countersign export evidence`,
    );
  }
  const options = { ...given, format };
  const isAddress = out !== undefined && /^https?:\/\//.test(out);
  if (format === 'parquet' && (out === undefined || follow)) {
    throw new Error('a Parquet file is written as a whole: give --out FILE, without --follow');
  }
  if (isAddress && follow) {
    throw new Error('what is recorded from now on is sent by a sink: see sinks in the configuration; --follow writes to a file');
  }
  const api = await ApiClient.open(options);
  if (isAddress) {
    await sendTo(new URL(out), api, options);
  } else {
    await write(contentOf(api, options), out, follow);
  }
}

function rowsOf(api: ApiClient, { query, since, until, from, format, follow, content }: ExportOptions): AsyncIterable<Row> {
  const asked = new URLSearchParams({ query, form: format === 'csv' || format === 'parquet' ? 'rows' : format });
  const more = { since, until, from, follow: follow === true ? '' : undefined, facts: content ? undefined : '' };
  for (const [name, value] of Object.entries(more)) {
    if (value !== undefined) {
      asked.set(name, String(value));
    }
  }
  return api.rows<Row>(`/api/v1/export?${asked.toString()}`);
}

/** Yields what is written: a Parquet file, lines of JSON, or CSV with its head. Yields nothing before the first row is there, so nothing of an export that is refused. */
async function* contentOf(api: ApiClient, options: ExportOptions): AsyncGenerator<Uint8Array | string> {
  const rows = rowsOf(api, options);
  if (options.format === 'parquet') {
    yield* parquetFile(columns, rows);
    return;
  }
  const isTable = options.format === 'csv';
  const isBegun = options.follow === true && options.out !== undefined && (statSync(options.out, { throwIfNoEntry: false })?.size ?? 0) > 0;
  let head = isTable && !isBegun ? `${csvLine(columns.map(({ name }) => name))}\n` : '';
  for await (const row of rows) {
    yield `${head}${isTable ? csvLine(columns.map(({ name }) => row[name])) : JSON.stringify(row)}\n`;
    head = '';
  }
  if (head !== '') {
    yield head;
  }
}

/** Writes an export. A file appears when it is whole; with `follows` it grows. */
async function write(content: AsyncIterable<Uint8Array | string>, out: string | undefined, follows: boolean): Promise<void> {
  if (out === undefined) {
    await pipeline(Readable.from(content), process.stdout, { end: false });
  } else if (follows || statSync(out, { throwIfNoEntry: false })?.isFile() === false) {
    await pipeline(Readable.from(content), createWriteStream(out, { flags: 'a', mode: 0o600 }));
  } else {
    await replaceWholeFile(out, content);
  }
}

/** Sends an export: logs of OTLP each to the endpoint of a collector, anything else as one PUT. Its length is told, because object stores want that. */
async function sendTo(address: URL, api: ApiClient, options: ExportOptions): Promise<void> {
  if (address.protocol === 'http:' && !/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(address.hostname)) {
    throw new Error('records leave this machine only over https://');
  }
  const { format } = options;
  const headers = { 'content-type': mediaTypes[format] };
  if (format === 'otlp') {
    const logs = new URL(`${address.href.replace(/\/$/, '')}/v1/logs`);
    for await (const row of rowsOf(api, options)) {
      await send(logs, { method: 'POST', headers, body: JSON.stringify(row) });
    }
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'countersign-export-'));
  try {
    const file = join(directory, 'export');
    await write(contentOf(api, options), file, false);
    const body = Readable.toWeb(createReadStream(file));
    const length = { 'content-length': String(statSync(file).size) };
    await send(address, { method: 'PUT', headers: { ...headers, ...length }, body, duplex: 'half' });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function send(address: URL, request: RequestInit): Promise<void> {
  const answer = await fetch(address, { ...request, redirect: 'error' }).catch((error: unknown) => {
    throw new Error(`${address.origin} cannot be reached: ${reasonOf(error)}`, { cause: error });
  });
  await answer.body?.cancel();
  if (!answer.ok) {
    throw new Error(`the receiver answers with the status ${answer.status}`);
  }
}

/** Returns why a request failed. The error of `fetch` has the reason as its cause; if a name has several addresses, there is a reason for each. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) {
    return error.errors.map(reasonOf).join(', ');
  }
  return !(error instanceof Error) ? String(error) : error.cause === undefined ? error.message : reasonOf(error.cause);
}
