import { countOf } from '@countersign/gateway/count-of';
import type { CountedValue, FoundRecord, FoundSession, SavedSearch, SearchLine, SearchSummary, ShownCaller } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { csvLine } from '../csv.ts';
import { addLocation, addLocations, type LocationOptions } from '../location-options.ts';
import { mergeAnswers } from '../merged-search.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { dim, printJson } from '../terminal.ts';

const sessionDigits = 8;
const limitDefault = 50;
const limitMax = 10_000;

interface SearchOptions extends Pick<LocationOptions, 'config'> {
  /** The gateways that are asked. Empty: the one on this machine. */
  readonly url: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly limit?: number;
  readonly sessions?: boolean;
  readonly countBy?: string;
  readonly content: boolean;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** Where a line is, if several gateways are asked: the address of the one that has it. */
interface OfGateway {
  readonly gateway?: string;
}

const example = 'prompts-of-4o';

export function addSearch(program: Command): void {
  const command = addOptions(program.command('search').argument('[query]', 'what to look for; empty: every record', ''))
    .description('records of all sessions, the newest first: each is opened and compared with its leaf')
    .addHelpText(
      'after',
      `
Fields: principal group on-behalf-of target protocol kind action verdict policy
model model-served provider tool table table-read table-written column verb
effect function status sqlstate rows bytes tokens class masked address session environment software,
and any attribute by its name. kind is also prompt, output, tool, statement,
rows or change. Words without a field are looked for in the text: those that are
commands here (save, run, list, delete) in quotes. A request and its answer are
two records; kind:request finds the request alone.

Example:
  countersign search 'model:gpt-4o* kind:(prompt or output or change) since:90d'
  countersign search 'kind:request table:customers effect:read' --count-by principal
  countersign search 'class:card' --sessions --since 7d`,
    )
    .action(async (query: string, options: SearchOptions) => search({ query }, options));
  addLocation(command.command('save').argument('<name>', 'its name').argument('<query>', 'the query'))
    .description('save a query under a name, for oneself and for all who may search all records; in place of what one saved under it')
    .addHelpText('after', `\nExample:\n  countersign search save ${example} 'model:gpt-4o* kind:prompt since:90d'`)
    .action(save);
  addOptions(command.command('run').argument('<name>', 'the name of a saved search').argument('[query]', 'what must hold too', ''))
    .description('search for what a saved search looks for')
    .addHelpText('after', `\nExample:\n  countersign search run ${example} --count-by principal`)
    .action(async (saved: string, query: string, options: SearchOptions) => search({ saved, query }, options));
  addLocation(command.command('list'))
    .description('the searches that were saved')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign search list --json')
    .action(list);
  addLocation(command.command('delete').argument('<name>', 'the name of a saved search'))
    .description('delete a saved search; the record keeps it')
    .addHelpText('after', `\nExample:\n  countersign search delete ${example}`)
    .action(remove);
}

function addOptions(command: Command): Command {
  return addLocations(command)
    .option('--since <time>', 'from this time on, or of this age: 2026-11-29, 2026-11-29T14:30, 90d')
    .option('--until <time>', 'up to this time')
    .option('--limit <n>', `at most so many lines (default: ${limitDefault})`, parseLimit)
    .addOption(new Option('--sessions', 'the sessions in which the records are').conflicts('countBy'))
    .option('--count-by <field>', 'how many records have each value of the field; kind:request counts requests')
    .option('--no-content', 'facts alone: nothing of the content is shown or looked for')
    .addOption(new Option('--json', 'one JSON object a line').conflicts('csv'))
    .option('--csv', 'a table for spreadsheets');
}

/** A query, or the name of a saved one and what must hold too. */
interface Asked {
  readonly query: string;
  readonly saved?: string;
}

const savedPath = '/api/v1/saved-searches';

async function save(name: string, query: string, options: LocationOptions): Promise<void> {
  await (await ApiClient.open(options)).json<SavedSearch>('POST', savedPath, { name, query });
  console.log(`saved ${name}`);
}

async function list(options: LocationOptions & RowOptions): Promise<void> {
  const saved = await (await ApiClient.open(options)).json<readonly SavedSearch[]>('GET', savedPath);
  await printRows(saved, options, ({ name, query, by, time }) => columns(name, query, `by ${by}`, time));
}

async function remove(name: string, options: LocationOptions): Promise<void> {
  await (await ApiClient.open(options)).json('DELETE', `${savedPath}/${encodeURIComponent(name)}`);
  console.log(`deleted ${name}`);
}

async function search(asked: Asked, options: SearchOptions): Promise<void> {
  const { config, url, limit = limitDefault } = options;
  const gateways = url.length === 0 ? [{ config }] : url.map((each) => ({ config, url: each }));
  const apis = await Promise.all(gateways.map(async (gateway) => ApiClient.open(gateway)));
  if (apis.length > 1) {
    await assertDifferent(apis);
  }
  const answers = apis.map((api, i) => {
    const lines = api.rows<SearchLine>(`/api/v1/search?${askedFor(asked, options, apis.length > 1).toString()}`);
    return apis.length > 1 ? linesOf(url[i] ?? '', lines) : lines;
  });
  const [only] = answers;
  let summary: SearchSummary | null = null;
  let count = 0;
  for await (const line of only !== undefined && answers.length === 1 ? only : mergeAnswers(answers, limit)) {
    if ('summary' in line) {
      ({ summary } = line);
      continue;
    }
    if (options.csv === true && count === 0) {
      console.log(csvLine(Object.keys(line)));
    }
    count += 1;
    print(line, options);
  }
  if (summary !== null && options.json !== true && options.csv !== true) {
    console.log(dim(sayEnd(summary, count, options)));
  }
}

/** Rejects with an Error if two of the gateways are the same one, whose records would be counted twice. */
async function assertDifferent(apis: readonly ApiClient[]): Promise<void> {
  const logs = await Promise.all(apis.map(async (api) => (await api.json<ShownCaller>('GET', '/api/v1/whoami')).log));
  const second = logs.findIndex((log, i) => logs.indexOf(log) < i);
  const first = logs.indexOf(logs[second] ?? '');
  if (second !== -1) {
    throw new Error(`${apis[first]?.url} and ${apis[second]?.url} are the same gateway: name it once`);
  }
}

/** Adds the gateway that has it to each record and session. */
async function* linesOf(gateway: string, lines: AsyncIterable<SearchLine>): AsyncGenerator<SearchLine & OfGateway> {
  for await (const line of lines) {
    yield 'session' in line ? { gateway, ...line } : line;
  }
}

function askedFor(
  { query, saved }: Asked,
  { since, until, limit = limitDefault, sessions, countBy, content }: SearchOptions,
  isOfSeveral: boolean,
): URLSearchParams {
  // A value that is frequent in all gateways together may be rare in one of them.
  const asked = new URLSearchParams({ query, limit: String(isOfSeveral && countBy !== undefined ? limitMax : limit) });
  for (const [name, value] of Object.entries({ saved, since, until, countBy })) {
    if (value !== undefined) {
      asked.set(name, value);
    }
  }
  if (sessions === true) {
    asked.set('sessions', '');
  }
  if (!content) {
    asked.set('facts', '');
  }
  return asked;
}

function print(line: (FoundRecord | FoundSession | CountedValue) & OfGateway, { json, csv }: SearchOptions): void {
  const from = line.gateway === undefined ? [] : [new URL(line.gateway).host];
  if (json === true) {
    printJson(line);
  } else if (csv === true) {
    console.log(csvLine(Object.values(line)));
  } else if ('value' in line) {
    console.log(columns(String(line.count).padStart(10), line.value));
  } else if ('found' in line) {
    console.log(columns(...from, line.session, line.opened, line.principal ?? '', line.targets, line.state, countOf(line.found, 'record')));
  } else {
    const { session, seq, time, principal, target, kind, action, verdict, policies, snippet, verified } = line;
    const does = doesText(line);
    console.log(
      columns(
        ...from,
        `${session.slice(0, sessionDigits)}#${seq}`,
        time,
        principal ?? '',
        target ?? '',
        action ?? kind,
        ...(does === '' ? [] : [does]),
        ...(verdict === null ? [] : [verdict, policies]),
        snippet ?? '',
        ...(verified ? [] : ['NOT WHAT ITS LEAF COMMITS TO']),
      ),
    );
  }
}

/** Says of a request what it does, as `update: read, write`, and of a reading what was done with which session. */
function doesText({ kind, attributes }: FoundRecord): string {
  const [statements = '', effects = '', what = '', read = ''] = [
    ownAttributes.statements,
    ownAttributes.effects,
    ownAttributes.accessWhat,
    ownAttributes.accessSession,
  ].map((name) => [attributes[name] ?? []].flat().join(', '));
  if (kind === 'access') {
    return [what, read.slice(0, sessionDigits)].filter((part) => part !== '').join(' ');
  }
  return kind !== 'request' || effects === '' ? '' : `${statements}${statements === '' ? '' : ': '}${effects}`;
}

/** Says how many records there are, and how far the index is. */
function sayEnd({ count, isExact, behind, next }: SearchSummary, shown: number, { sessions, countBy }: SearchOptions): string {
  const what = `${isExact ? '' : 'at most '}${countOf(count, 'record')}${next === null || sessions === true || countBy !== undefined ? '' : `, of which the newest ${shown} are shown: --limit N shows more`}`;
  return `${what}. ${behind === 0 ? 'The index has all that is recorded.' : `The index lacks the newest ${behind === null ? 'records' : countOf(behind, 'record')}.`}`;
}

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > limitMax) {
    throw new InvalidArgumentError('Write a number from 1 to 10000.');
  }
  return Number(text);
}
