import type { ReviewCoverage, ReviewedSession } from '@countersign/gateway/api';
import { countOf } from '@countersign/gateway/count-of';
import { InvalidArgumentError, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { parseSession } from '../arguments.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { findSession } from '../names.ts';
import { printRows, type RowOptions } from '../rows.ts';
import { listOf } from '../session-source.ts';
import { describeSession } from '../show.ts';
import { escapeControls, printJson } from '../terminal.ts';

const example = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
const path = '/api/v1/reviews';
const percent = 100;

interface ReviewOptions extends LocationOptions, RowOptions {
  readonly since: string;
  readonly threshold: number;
}

interface ListOptions extends ReviewOptions {
  readonly all?: boolean;
  readonly content: boolean;
}

export function addReview(program: Command): void {
  const review = program
    .command('review')
    .description('sessions that people look at, and sign for')
    .addHelpText('after', '\nExample:\n  countersign review list');
  addReviewable(review.command('list'))
    .description('sessions that have ended, have at least this risk and were not reviewed; the greatest risk first')
    .option('--all', 'also those that were reviewed')
    .option('--no-content', 'no titles')
    .addHelpText('after', '\nExample:\n  countersign review list --since 7d --threshold 50')
    .action(list);
  addLocation(review.command('sign').argument('<id>', 'session, as review list prints it', parseSession))
    .description('sign that you, a person, have reviewed a session that is none of your own')
    .requiredOption('--note <text>', 'what you found, recorded')
    .addHelpText('after', `\nExample:\n  countersign review sign ${example} --note "a planned migration, ticket 4711"`)
    .action(sign);
  addReviewable(review.command('coverage'))
    .description('how many of the sessions that are to be reviewed were')
    .addHelpText('after', '\nExample:\n  countersign review coverage --since 30d')
    .action(coverage);
}

function addReviewable(command: Command): Command {
  return addLocation(command)
    .option('--since <time>', 'sessions that began from this time on, or are of this age: 2026-11-29, 90d', '30d')
    .option('--threshold <risk>', 'the lowest risk of a session that is to be reviewed', parseRisk, 30)
    .option('--json', 'one JSON object a line');
}

async function list(options: ListOptions): Promise<void> {
  const asked = askedFor(options);
  for (const [name, isAsked] of Object.entries({ all: options.all === true, facts: !options.content })) {
    if (isAsked) {
      asked.set(name, '');
    }
  }
  const sessions = await (await ApiClient.open(options)).json<readonly ReviewedSession[]>('GET', `${path}?${asked.toString()}`);
  await printRows(sessions, options, (session) =>
    [
      describeSession(session),
      ...session.risk.reasons.map((reason) => `    ${escapeControls(reason, 'nothing')}`),
      ...(session.review === null ? [] : [escapeControls(`    reviewed by ${session.review.by} ${session.review.time}: ${session.review.note}`, 'nothing')]),
    ].join('\n'),
  );
}

async function sign(id: string, { note, ...options }: LocationOptions & { readonly note: string }): Promise<void> {
  const api = await ApiClient.open(options);
  const session = await findSession(id, (page) => listOf(api, page));
  await api.json('POST', `${path}/${session}/sign`, { note });
  console.log(`signed ${session}`);
}

async function coverage(options: ReviewOptions): Promise<void> {
  const covered = await (await ApiClient.open(options)).json<ReviewCoverage>('GET', `${path}/coverage?${askedFor(options).toString()}`);
  if (options.json === true) {
    printJson(covered);
    return;
  }
  const { threshold, ended, toReview, reviewed } = covered;
  const share = toReview === 0 ? '' : ` (${Math.floor((reviewed * percent) / toReview)} %)`;
  console.log(`${reviewed} of ${countOf(toReview, 'session')} with a risk of ${threshold} or more reviewed${share}; ${countOf(ended, 'session')} ended`);
}

function askedFor({ since, threshold }: ReviewOptions): URLSearchParams {
  return new URLSearchParams({ since, threshold: String(threshold) });
}

function parseRisk(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > percent) {
    throw new InvalidArgumentError('Write a number from 0 to 100.');
  }
  return Number(text);
}
