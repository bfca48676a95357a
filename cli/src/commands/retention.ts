import { countOf } from '@countersign/gateway/count-of';
import type { FinishedRetentionRun, RetentionPlan, ShownKeepingClass } from '@countersign/gateway/api';
import { formatDays } from '@countersign/gateway/duration';
import { firstHoldClass } from '@countersign/ledger/format';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { parseDate } from '../arguments.ts';
import { loadConfig } from '../configuration.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { printRows, type RowOptions } from '../rows.ts';
import { escapeControls, printJson } from '../terminal.ts';

export function addRetention(program: Command): void {
  const retention = program
    .command('retention')
    .description('for how long what is recorded is kept, and the deletion of what has expired')
    .addHelpText('after', '\nExample:\n  countersign retention show');
  addLocation(retention.command('show'))
    .description('the classes of keeping in force, and how much is kept under each')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign retention show')
    .action(show);
  addLocation(retention.command('plan'))
    .description('what a run would destroy, and what the configuration file would change; nothing is destroyed or changed')
    .option('--at <date>', 'a run on this day, in UTC: 2027-06-30; by default today', parseDate)
    .option('--new <file>', 'a configuration file to compare with what is in force, in place of that of --config')
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExample:\n  countersign retention plan --at 2027-06-30 --new ./countersign.new.yaml')
    .action(plan);
  addLocation(retention.command('run'))
    .description('delete what has expired, as the gateway does once a day by itself')
    .option('--today <date>', 'what day it is in UTC, as 2026-11-30: needed if the clock is more than a week ahead of the last day that is known', parseDate)
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      '\nWhat will be deleted is recorded and signed before it is. It is gone for everybody, whoever has the root key.\n\nExample:\n  countersign retention run',
    )
    .action(run);
}

interface RunOptions extends LocationOptions {
  readonly today?: string;
  readonly json?: boolean;
}

async function run(options: RunOptions): Promise<void> {
  const finished = await (await ApiClient.open(options)).json<FinishedRetentionRun>('POST', '/api/v1/retention/run', { today: options.today ?? null });
  if (options.json === true) {
    printJson(finished);
    return;
  }
  const { today, destroyed } = finished;
  for (const { class: number, day } of destroyed) {
    console.log(`deleted: what class ${number} keeps until ${day}`);
  }
  console.log(
    destroyed.length === 0 ? `nothing has expired on ${today}` : `${countOf(destroyed.length, 'key')} destroyed on ${today}, and what they opened is gone`,
  );
}

async function show(options: LocationOptions & RowOptions): Promise<void> {
  const classes = await (await ApiClient.open(options)).json<readonly ShownKeepingClass[]>('GET', '/api/v1/retention');
  await printRows(classes, options, ({ class: number, query, inForce, known, keeps, kept }) => {
    const name = nameOf(number, inForce ? (query ?? 'default') : null);
    const rule = keeps === null ? [] : [timesOf(keeps), ...(known === 'later' ? ['asked before a key is destroyed'] : [])];
    return `${escapeControls([name, ...rule].join('; '), 'nothing')}\n    ${amountOf(kept)}`;
  });
}

interface PlanOptions extends LocationOptions {
  readonly at?: string;
  readonly new?: string;
  readonly json?: boolean;
}

async function plan(options: PlanOptions): Promise<void> {
  const file = options.new ?? (options.url === undefined ? options.config : null);
  const settings = file === null ? undefined : (await loadConfig({ config: file })).retention;
  const planned = await (await ApiClient.open(options)).json<RetentionPlan>('POST', '/api/v1/retention/plan', { at: options.at, settings });
  if (options.json === true) {
    printJson(planned);
    return;
  }
  for (const line of [...erasureLines(planned), ...changeLines(planned, file ?? '')]) {
    console.log(escapeControls(line, 'nothing'));
  }
}

function erasureLines({ at, erases, asked }: RetentionPlan): readonly string[] {
  return [
    erases.length === 0 ? `A run on ${at} destroys nothing.` : `A run on ${at} destroys:`,
    ...erases.flatMap(({ class: number, query, day, stays, ...counts }) => [
      `  ${nameOf(number, query)}, kept until ${day}: ${countsOf(counts)}`,
      ...stays.map(
        ({ class: other, day: until, ...kept }) =>
          `    of them stay, as ${nameOf(other, null)} keeps them ${until === null ? 'for ever' : `until ${until}`}: ${countsOf(kept)}`,
      ),
    ]),
    ...(erases.length === 0 || asked.length === 0 ? [] : [`What these rules hold for is kept longer, which is found out before: ${asked.join('; ')}`]),
  ];
}

function changeLines({ changes }: RetentionPlan, file: string): readonly string[] {
  if (changes === null) {
    return [];
  }
  return [
    changes.length === 0 ? `${file} changes nothing of what is in force.` : `${file} changes:`,
    ...changes.flatMap(({ query, before, after, known, sealedDays }) => {
      const was = before === null ? 'is new' : timesOf(before);
      const becomes = after === null ? 'no rule any more' : timesOf(after);
      return [`  ${query ?? 'default'}: ${was} -> ${becomes}`, `    ${effectOf({ before, after, known, sealedDays })}`];
    }),
  ];
}

/** Says for which records a change counts. */
function effectOf({ after, known, sealedDays }: Pick<NonNullable<RetentionPlan['changes']>[number], 'before' | 'after' | 'known' | 'sealedDays'>): string {
  if (known === 'later') {
    return after === null
      ? 'new and old records: it is not asked any more before a key is destroyed; what it has lengthened already stays so'
      : 'new and old records: it is asked before a key is destroyed, and lengthens; what it has lengthened already stays so';
  }
  const sealed =
    sealedDays === 0
      ? 'nothing is recorded under it yet'
      : `${countOf(sealedDays, 'day')} that ${sealedDays === 1 ? 'is' : 'are'} sealed already keep their day`;
  return `new records only; ${sealed}, unless a rule that is asked later or a hold lengthens it`;
}

function nameOf(number: number, query: string | null): string {
  const what = query ?? (number === 1 ? 'default' : number < firstHoldClass ? 'a rule of before' : 'a hold');
  return `class ${number} (${what})`;
}

function timesOf({ content, facts, floor }: NonNullable<ShownKeepingClass['keeps']>): string {
  return `contents ${formatDays(content)}, facts ${formatDays(facts)}${floor === null ? '' : `, not erased before ${formatDays(floor)}`}`;
}

function amountOf({ firstDay, lastDay, isForEver, ...counts }: ShownKeepingClass['kept']): string {
  const days = firstDay === null ? [] : [firstDay === lastDay ? `until ${firstDay}` : `until ${firstDay} to ${lastDay}`];
  const until = [...days, ...(isForEver ? ['for ever'] : [])].join(' and ');
  return counts.facts + counts.contents === 0 ? 'nothing is kept under it' : `${countsOf(counts)}, ${until}`;
}

function countsOf({ facts, contents }: { readonly facts: number; readonly contents: number }): string {
  return `${countOf(facts, 'secret')} of facts and ${contents} of contents`;
}
