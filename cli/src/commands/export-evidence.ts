import { countOf } from '@countersign/gateway/count-of';
import { replaceWholeFile } from '@countersign/gateway/store';
import { encodeUtf8, evidencePage, sealedPage } from '@countersign/ledger/format';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { collect } from '../arguments.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { printJson } from '../terminal.ts';

interface EvidenceOptions extends LocationOptions {
  readonly query: string;
  readonly since?: string;
  readonly until?: string;
  readonly out: string;
  readonly withhold: readonly string[];
  readonly withholdFacts: readonly string[];
  readonly for: readonly string[];
  readonly stamped?: true;
  readonly json?: boolean;
}

export function addExportEvidence(command: Command): void {
  // The options of both commands have the same names.
  command.enablePositionalOptions();
  addLocation(command.command('evidence'))
    .description('sessions as one page, which verifies itself and plays them in a browser, without a network')
    .option('--query <query>', 'the sessions with a record for which this holds, as countersign search takes it; empty: all', '')
    .option('--since <time>', 'only for records from this time on, or of this age: 2026-11-29, 90d')
    .option('--until <time>', 'only for records up to this time')
    .requiredOption('--out <file>', 'the page: FILE.html')
    .option('--withhold <query>', 'leave out the content of these records, and prove that it was recorded: class:health; can be repeated', collect, [])
    .option('--withhold-facts <query>', 'leave out the content and the facts of these records; can be repeated', collect, [])
    .option('--for <recipient>', 'encrypt it for a recipient of age: age1…, as age-keygen prints it; can be repeated', collect, [])
    .option('--stamped', 'of the newest checkpoint that has a timestamp (countersign timestamp), which must be over all of the sessions')
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      `\nExample:\n  countersign export evidence --query target:orders --since 2026-07-01 --until 2026-09-30 --withhold class:health --out orders-q3.html\n  countersign verify orders-q3.html --key kept/key`,
    )
    .action(exportEvidence);
}

async function exportEvidence(options: EvidenceOptions): Promise<void> {
  const { query, since, until, out, withhold, withholdFacts, for: recipients, stamped } = options;
  // Before anything is exported, which is recorded: a recipient that is none is an error of whoever typed it.
  const encrypt = recipients.length === 0 ? null : await encryptionFor(recipients);
  const api = await ApiClient.open(options);
  const asked = {
    query,
    since,
    until,
    withhold: eitherOf(withhold),
    facts: eitherOf(withholdFacts),
    for: encrypt === null ? undefined : recipients.join(' '),
    stamped: stamped === true ? '' : undefined,
  };
  const counts = { sessions: 0, records: 0, withheld: 0 };
  const lines = linesOf(api, new URLSearchParams(Object.entries(asked).filter((entry): entry is [string, string] => entry[1] !== undefined)), counts);
  const template = await api.text('/api/v1/evidence/page');
  await replaceWholeFile(out, encrypt === null ? evidencePage(template, lines) : sealedPage(template, encrypt(lines)));
  if (options.json === true) {
    printJson({ file: out, ...counts });
  } else {
    console.log(`${out}: ${countOf(counts.sessions, 'session')}, ${countOf(counts.records, 'record')}, ${countOf(counts.withheld, 'body', 'bodies')} withheld`);
    if (counts.withheld === 0 && withhold.length + withholdFacts.length > 0) {
      console.error('Nothing was left out: no record of these sessions is one that was to be withheld. Is the query as it is meant?');
    }
    console.log(`It verifies itself in a browser; countersign verify ${out} --key FILE${encrypt === null ? '' : ' --identity FILE'} does the same`);
  }
}

/** Returns what encrypts lines for recipients. Rejects with GatewayError `malformed` if one of them is none. */
async function encryptionFor(recipients: readonly string[]): Promise<(lines: AsyncIterable<string>) => AsyncIterable<Uint8Array>> {
  const { encryptBytes, openEncrypter } = await import('@countersign/gateway/age');
  await openEncrypter(recipients);
  return (lines) => encryptBytes(bytesOf(lines), recipients);
}

async function* bytesOf(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const line of lines) {
    yield encodeUtf8(line);
  }
}

/** Joins queries into one that holds where any of them does. */
function eitherOf(queries: readonly string[]): string {
  return queries.length > 1 ? queries.map((query) => `(${query})`).join(' or ') : (queries[0] ?? '');
}

interface Counts {
  sessions: number;
  records: number;
  withheld: number;
}

/** Yields the lines of evidence, and counts what is in them. */
async function* linesOf(api: ApiClient, asked: URLSearchParams, counts: Counts): AsyncGenerator<string> {
  for await (const row of api.rows<Readonly<Record<string, unknown>>>(`/api/v1/evidence?${asked.toString()}`)) {
    // A line of evidence is exactly as it is printed here.
    const line = JSON.stringify(row);
    counts.sessions += row['scope'] === 'session' ? 1 : 0;
    counts.records += 'index' in row ? 1 : 0;
    counts.withheld += line.split('{"withheld":true}').length - 1;
    yield `${line}\n`;
  }
}
