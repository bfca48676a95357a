import type { ApprovalDetails, ApprovalSummary, OwnApproval } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { describeRecord, indented } from '../show.ts';
import { bold, dim, escapeControls, printJson } from '../terminal.ts';

const example = 'ap_0f1e2d3c4b5a6978';

export function addApproval(program: Command): void {
  const approval = program
    .command('approval')
    .description('requests that wait until people approve them')
    .addHelpText('after', '\nExample:\n  countersign approval list');
  addLocation(approval.command('list'))
    .description('approvals that you may decide on, oldest first, and what became of your own')
    .option('--all', 'also those that are over')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign approval list --json')
    .action(list);
  addLocation(approval.command('show').argument('<id>', 'approval, as approval list prints it'))
    .description('the request as a whole, what it does, and the session so far')
    .option('--json', 'as one JSON object')
    .addHelpText('after', `\nExample:\n  countersign approval show ${example}`)
    .action(show);
  addLocation(approval.command('grant').argument('<id>', 'approval, as approval list prints it'))
    .description('let exactly this request go on, once; if several groups are named, another person of each must grant')
    .option('--note <text>', 'recorded', '')
    .addHelpText('after', `\nExample:\n  countersign approval grant ${example} --note "as agreed in ticket 512"`)
    .action(grant);
  addLocation(approval.command('deny').argument('<id>', 'approval, as approval list prints it'))
    .description('refuse the request, also one that was granted and has not gone on yet')
    .requiredOption('--reason <text>', 'recorded, and told to the one who asked')
    .addHelpText('after', `\nExample:\n  countersign approval deny ${example} --reason "use the archive"`)
    .action(deny);
  addLocation(approval.command('break').argument('<id>', 'approval, as the refusal or the notice of a held request names it'))
    .description('let a request of your own go on without its approval, in an emergency and where policy says so; that raises an alert')
    .requiredOption('--reason <text>', 'recorded')
    .addHelpText('after', `\nExample:\n  countersign approval break ${example} --reason "outage, incident 88, nobody answers"`)
    .action(breakGlass);
}

const path = '/api/v1/approvals';

async function list(options: LocationOptions & RowOptions & { readonly all?: boolean }): Promise<void> {
  const api = await ApiClient.open(options);
  const approvals = await api.json<readonly (ApprovalSummary | OwnApproval)[]>('GET', options.all === true ? `${path}?all` : path);
  await printRows(approvals, options, (row) =>
    'session' in row
      ? columns(
          row.approval,
          row.state.padEnd('withdrawn'.length),
          row.principal,
          row.target,
          row.action,
          `${row.granted.length}/${row.groups.length} of ${row.groups.join(',')}`,
          `asked ${spanOf(Date.now() - Date.parse(row.requested))} ago`,
          row.next === 'stop' ? 'over' : `expires in ${spanOf(Date.parse(row.expires) - Date.now())}`,
          firstLine(row.text),
        )
      : columns(row.approval, row.state, `next: ${row.next}`),
  );
}

async function show(id: string, options: LocationOptions & RowOptions): Promise<void> {
  const shown = await (await ApiClient.open(options)).json<ApprovalDetails | OwnApproval>('GET', `${path}/${encodeURIComponent(id)}`);
  if (options.json === true) {
    printJson(shown);
  } else if ('session' in shown) {
    console.log(describe(shown));
  } else {
    console.log(columns(shown.approval, shown.state, `next: ${shown.next}`));
  }
}

async function grant(id: string, options: LocationOptions & { readonly note: string }): Promise<void> {
  const { approval, state, granted, groups } = await decide<ApprovalSummary>(id, 'grant', { note: options.note }, options);
  const missing = groups.filter((group) => !granted.includes(group));
  console.log(missing.length === 0 ? `granted ${approval}: ${goesOn(state)}` : `granted ${approval}; still missing: ${missing.join(', ')}`);
}

async function deny(id: string, options: LocationOptions & { readonly reason: string }): Promise<void> {
  const { approval } = await decide<ApprovalSummary>(id, 'deny', { reason: options.reason }, options);
  console.log(`denied ${approval}`);
}

async function breakGlass(id: string, options: LocationOptions & { readonly reason: string }): Promise<void> {
  const { approval, state } = await decide<OwnApproval>(id, 'break', { reason: options.reason }, options);
  console.log(`broke the glass of ${approval}: ${goesOn(state)}`);
}

function goesOn(state: string): string {
  return state === 'spent' ? 'the request goes on' : 'the request may be sent again, once';
}

async function decide<Answer>(id: string, act: 'grant' | 'deny' | 'break', body: object, options: LocationOptions): Promise<Answer> {
  return (await ApiClient.open(options)).json('POST', `${path}/${encodeURIComponent(id)}/${act}`, body);
}

/** Describes an approval for the one who decides. All text of the request and the session is escaped. */
function describe({ request, before, ...approval }: ApprovalDetails): string {
  const { policies, reason, groups, granted, grants, end, requested, expires } = approval;
  const who = approval.onBehalfOf === null ? approval.principal : `${approval.principal} for ${approval.onBehalfOf}`;
  const does = Object.entries(request?.attributes ?? {}).filter(([name]) => doing.test(name));
  const lines = [
    `${approval.approval} ${approval.state}: ${who} asks ${approval.target} for ${approval.action}`,
    `held by ${policies.join(', ')}: ${reason}`,
    `groups ${groups.join(', ')}; granted ${granted.join(', ') || 'none'}`,
    ...grants.map(({ by, isBreak, note, time }) => `${isBreak ? 'glass broken' : 'granted'} by ${by} at ${time}${note === '' ? '' : `: ${note}`}`),
    ...(end === undefined ? [] : [endLine(approval.state, end)]),
    `requested ${requested}, expires ${expires}, session ${approval.session}, record ${approval.record}`,
    ...does.map(([name, value]) => `${name} ${String(value)}`),
    ...(approval.estimatedRows === undefined ? [] : [`estimated rows ${approval.estimatedRows}`]),
  ].map((line) => escapeControls(line, 'nothing'));
  const story = before.map((record) => describeRecord(record));
  const text = indented(escapeControls(approval.text, 'lines'));
  const isKept = request?.attributes[ownAttributes.withheld] !== 'not_kept';
  const asked = request === null ? text : `${describeRecord(request, { full: true })}${isKept ? '' : `\n${text}`}`;
  return [
    bold(lines[0] ?? ''),
    ...lines.slice(1),
    ...(story.length === 0 ? [] : [dim('before it in the session:'), ...story]),
    dim('the request:'),
    asked,
  ].join('\n');
}

function endLine(state: string, { by, reason, time, record }: NonNullable<ApprovalDetails['end']>): string {
  const where = record === undefined ? '' : `, record ${record}`;
  return `${state}${by === undefined ? '' : ` by ${by}`} at ${time}${where}${reason === undefined ? '' : `: ${reason}`}`;
}

/** The facts that say what a request does. */
const doing =
  /^(?:countersign\.(?:effects|statements|tables|reads|writes|columns|functions|tool_hints)|gen_ai\.request\.model|gen_ai\.tool\.name|http\.request\.method|url\.path)$/;

/** Formats a time in ms by its largest unit, rounded down. The clocks of two machines may differ, so there is no less than `0s`. */
function spanOf(ms: number): string {
  const [unit, unitMs] = units.find((each) => ms >= each[1]) ?? ['s', 1000];
  return `${Math.max(0, Math.floor(ms / unitMs))}${unit}`.padStart('10m'.length);
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

function firstLine(text: string): string {
  const [line = ''] = text.split('\n', 1);
  return line.length <= 80 ? line : `${line.slice(0, 80)}…`;
}
