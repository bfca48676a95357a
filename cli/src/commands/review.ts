import type { OpenedRun, ReviewCoverage, ReviewedSession, ShownRecord } from '@countersign/gateway/api';
import { countOf } from '@countersign/gateway/count-of';
import { readSuggestion, reviewQuestion, timelineCharactersMax, type Suggestion } from '@countersign/gateway/review-suggestion';
import { InvalidArgumentError, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { parseSession } from '../arguments.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { findSession } from '../names.ts';
import { printRows, type RowOptions } from '../rows.ts';
import { listOf, sessionPath } from '../session-source.ts';
import { describeRecord, describeSession, indented } from '../show.ts';
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
  addLocation(review.command('suggest').argument('<id>', 'session, as review list prints it', parseSession))
    .description('ask a model behind this gateway what it thinks of a session; nobody checks it, and it signs for nothing')
    .requiredOption('--as <principal>', 'the principal that asks, in a session of its own')
    .requiredOption('--target <name>', 'the target with the model, which understands Chat Completions')
    .requiredOption('--model <name>', 'the model')
    .option('--json', 'as one JSON object')
    .addHelpText('after', `\nExample:\n  countersign review suggest ${example} --as reviewer --target openai --model gpt-4o`)
    .action(suggest);
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
      ...(session.suggestion === null ? [] : [escapeControls(`    ${suggestedText(session.suggestion)}`, 'nothing')]),
      ...(session.review === null ? [] : [escapeControls(`    reviewed by ${session.review.by} ${session.review.time}: ${session.review.note}`, 'nothing')]),
    ].join('\n'),
  );
}

function suggestedText({ model, risk, records, asked }: NonNullable<ReviewedSession['suggestion']>): string {
  return `${model} suggests, and nobody checked it: ${risk} risk${placesOf(records)}; its words: countersign session show ${asked}`;
}

/** Names the records that a suggestion is about. */
function placesOf(records: readonly number[]): string {
  return records.length === 0 ? '' : ` (${records.map((seq) => `#${seq}`).join(', ')})`;
}

async function sign(id: string, { note, ...options }: LocationOptions & { readonly note: string }): Promise<void> {
  const api = await ApiClient.open(options);
  const session = await findSession(id, (page) => listOf(api, page));
  await api.json('POST', `${path}/${session}/sign`, { note });
  console.log(`signed ${session}`);
}

interface SuggestOptions extends LocationOptions, RowOptions {
  readonly as: string;
  readonly target: string;
  readonly model: string;
}

/** Asks the model within a run, so that the question, with what it says of the session, and the answer are on record. */
async function suggest(id: string, options: SuggestOptions): Promise<void> {
  const api = await ApiClient.open(options);
  const session = await findSession(id, (page) => listOf(api, page));
  let timeline = '';
  let records = 0;
  for await (const record of api.rows<ShownRecord>(`${sessionPath(session)}/records`)) {
    timeline += timeline.length > timelineCharactersMax ? '' : `${describeRecord(record)}\n`;
    records = record.seq + 1;
  }
  const { as, target, model } = options;
  const run = await api.json<OpenedRun>('POST', '/api/v1/runs', { principal: as, targets: [target], command: `countersign review suggest ${session}` });
  try {
    const url = run.environment[`${target.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_URL`] ?? `${api.url}/t/${target}`;
    const asked = new ApiClient({ url, socket: null, token: run.token });
    const answer = await asked.json('POST', '/v1/chat/completions', { model, messages: reviewQuestion(timeline) });
    print(readSuggestion(answer, records), options);
  } finally {
    await api.json('POST', `/api/v1/runs/${run.session}/end`, { exitCode: 0 });
  }
}

function print(suggestion: Suggestion, { model, json }: SuggestOptions): void {
  if (json === true) {
    printJson({ model, ...suggestion });
    return;
  }
  const { risk, summary, records } = suggestion;
  console.log(`${escapeControls(model, 'nothing')} suggests, and nobody checked it: ${risk} risk${placesOf(records)}`);
  console.log(indented(escapeControls(summary, 'nothing')));
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
