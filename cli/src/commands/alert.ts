import type { AlertSummary, ShownCaller } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { bold, escapeControls, printJson } from '../terminal.ts';
import { searchesAll } from './whoami.ts';

const example = 'al_0f1e2d3c4b5a6978';
const path = '/api/v1/alerts';
const wholeId = /^al_[0-9a-f]{16}$/;

interface NoteOptions extends LocationOptions {
  readonly note: string;
}

export function addAlert(program: Command): void {
  const alert = program
    .command('alert')
    .description('what the rules for alerts found in the record')
    .addHelpText('after', '\nExample:\n  countersign alert list');
  const one = (name: string): Command => addLocation(alert.command(name).argument('<id>', 'alert, as alert list prints it, or the beginning of its id'));
  addLocation(alert.command('list'))
    .description('alerts that are not closed, oldest first')
    .option('--all', 'also those that are closed')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign alert list --json')
    .action(list);
  one('show')
    .description('what an alert is about, and what people did with it')
    .option('--json', 'as one JSON object')
    .addHelpText('after', `\nExample:\n  countersign alert show ${example}`)
    .action(show);
  one('ack')
    .description('note that somebody has seen it; it counts on until it is closed')
    .option('--note <text>', 'recorded', '')
    .addHelpText('after', `\nExample:\n  countersign alert ack ${example}`)
    .action((id: string, { note, ...options }: NoteOptions) => step(id, { act: 'acknowledge', done: 'acknowledged', body: { note } }, options));
  one('assign')
    .argument('<who>', 'a principal')
    .description('note who looks into it')
    .option('--note <text>', 'recorded', '')
    .addHelpText('after', `\nExample:\n  countersign alert assign ${example} ann`)
    .action((id: string, to: string, { note, ...options }: NoteOptions) => step(id, { act: 'assign', done: 'assigned', body: { to, note } }, options));
  one('close')
    .description('end it; what its rule finds afterwards is a new alert')
    .requiredOption('--note <text>', 'why, recorded')
    .addHelpText('after', `\nExample:\n  countersign alert close ${example} --note "a test of the new agent"`)
    .action((id: string, { note, ...options }: NoteOptions) => step(id, { act: 'close', done: 'closed', body: { note } }, options));
}

async function list(options: LocationOptions & RowOptions & { readonly all?: boolean }): Promise<void> {
  const api = await ApiClient.open(options);
  const alerts = await api.json<readonly AlertSummary[]>('GET', options.all === true ? `${path}?all` : path);
  const shown = await printRows(alerts, options, ({ alert, severity, state, rule, by, count, last, assignee }) =>
    columns(alert, severity.padEnd('critical'.length), state, rule, by, `${count} until ${last}`, assignee === null ? [] : `with ${assignee}`),
  );
  if (shown === 0 && options.json !== true && !searchesAll(await api.json<ShownCaller>('GET', '/api/v1/whoami'))) {
    process.stderr.write('Only who may search all records sees alerts: countersign whoami says which you may search.\n');
  }
}

/** Finds the id of the alert that has this name: its id, or the beginning of it. Rejects with an Error if there is none, or more than one. */
async function findAlert(name: string, api: ApiClient): Promise<string> {
  if (wholeId.test(name)) {
    return name;
  }
  const begin = name.startsWith('al_') ? name : `al_${name}`;
  const [found, other] = (await api.json<readonly AlertSummary[]>('GET', `${path}?all`)).filter(({ alert }) => alert.startsWith(begin));
  if (found === undefined) {
    throw new Error(`there is no alert whose id begins with ${begin}: countersign alert list --all names them`);
  }
  if (other !== undefined) {
    throw new Error(`more than one alert has an id that begins with ${begin}, for instance ${found.alert} and ${other.alert}: write more of it`);
  }
  return found.alert;
}

async function show(id: string, options: LocationOptions & RowOptions): Promise<void> {
  const api = await ApiClient.open(options);
  const shown = await api.json<AlertSummary>('GET', `${path}/${encodeURIComponent(await findAlert(id, api))}`);
  if (options.json === true) {
    printJson(shown);
    return;
  }
  const { alert, severity, state, rule, by, count, first, last, records, raised, assignee, steps } = shown;
  const [head = '', ...lines] = [
    `${alert} ${state}: ${severity}, rule ${rule}, ${by.join(', ')}`,
    `${count} from ${first} to ${last}${assignee === null ? '' : `, with ${assignee}`}`,
    `raised by record ${raised}; records ${records.join(' ')}`,
    ...steps.map(
      (each) => `${each.time} ${each.what} by ${each.by}${each.assignee === null ? '' : `, to ${each.assignee}`}${each.note === null ? '' : `: ${each.note}`}`,
    ),
  ].map((line) => escapeControls(line, 'nothing'));
  console.log([bold(head), ...lines].join('\n'));
}

async function step(
  id: string,
  { act, done, body }: { readonly act: string; readonly done: string; readonly body: object },
  options: LocationOptions,
): Promise<void> {
  const api = await ApiClient.open(options);
  const { alert } = await api.json<AlertSummary>('POST', `${path}/${encodeURIComponent(await findAlert(id, api))}/${act}`, body);
  console.log(`${done} ${alert}`);
}
