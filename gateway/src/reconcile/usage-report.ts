import { z } from 'zod';
import { parseStrictJson } from '../content/strict-json.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Counts } from '../domain/counting.ts';
import type { UsageProvider, UsageSettings } from '../domain/usage-settings.ts';
import { askOnce } from '../exchange/ask-once.ts';

/** Most pages of a report and most bytes of one, and the longest times in ms until a page, and all of it, are there. */
const pagesMax = 100;
const pageBytesMax = 8 * 1024 * 1024;
const pageMs = 30_000;
const reportMs = 120_000;
const bucketsPerPage = 31;
/** Most counts of a report. */
const countsMax = 10_000;
/** The last second of the year 9999. */
const lastSeconds = 253_402_300_799;

const count = z.int().min(0);
const modelName = z.string().max(256).nullable();
const paging = z
  .object({ has_more: z.boolean(), next_page: z.string().min(1).max(4096).nullish() })
  .refine(({ has_more: hasMore, next_page: next }) => !hasMore || typeof next === 'string', 'It says that there is more, and not where.')
  .transform(({ has_more: hasMore, next_page: next }) => (hasMore ? (next ?? null) : null));
const openaiPage = z.object({
  data: z.array(
    z.object({
      start_time: z.int().min(0).max(lastSeconds),
      results: z.array(z.object({ model: modelName, input_tokens: count, output_tokens: count.default(0) })),
    }),
  ),
});
const anthropicPage = z.object({
  data: z.array(
    z.object({
      starting_at: z.iso.datetime({ offset: true }),
      results: z.array(
        z.object({
          model: modelName,
          uncached_input_tokens: count,
          cache_read_input_tokens: count.default(0),
          cache_creation: z.record(z.string(), count).default({}),
          output_tokens: count,
        }),
      ),
    }),
  ),
});

/** Tokens of a model on a day in UTC. */
interface DayUsage {
  readonly startMs: number;
  readonly model: string;
  readonly input: number;
  readonly output: number;
}

interface Report {
  /** The paths of its parts. */
  readonly paths: readonly string[];
  readonly query: (from: Date, until: Date, project: string | null) => readonly (readonly [string, string])[];
  readonly headers: (key: string) => readonly (readonly [string, string])[];
  readonly read: (page: unknown) => readonly DayUsage[];
}

const seconds = (time: Date): string => String(time.getTime() / 1000);

/** The reports of the providers: platform.openai.com/docs/api-reference/usage, docs.claude.com/en/api/usage-cost-api. */
const reports: Readonly<Record<UsageProvider, Report>> = {
  openai: {
    paths: ['/v1/organization/usage/completions', '/v1/organization/usage/embeddings'],
    query: (from, until, project) => [
      ['start_time', seconds(from)],
      ['end_time', seconds(until)],
      ...(project === null ? [] : [['project_ids[]', project] as const]),
    ],
    headers: (key) => [['authorization', `Bearer ${key}`]],
    read: (written) =>
      openaiPage
        .parse(written)
        .data.flatMap(({ start_time: start, results }) =>
          results.map(({ model: of, input_tokens: input, output_tokens: output }) => ({ startMs: start * 1000, model: of ?? '', input, output })),
        ),
  },
  anthropic: {
    paths: ['/v1/organizations/usage_report/messages'],
    query: (from, until, project) => [
      ['starting_at', from.toISOString()],
      ['ending_at', until.toISOString()],
      ...(project === null ? [] : [['workspace_ids[]', project] as const]),
    ],
    headers: (key) => [
      ['x-api-key', key],
      ['anthropic-version', '2023-06-01'],
    ],
    read: (written) =>
      anthropicPage.parse(written).data.flatMap(({ starting_at: start, results }) =>
        results.map(({ model: of, uncached_input_tokens: uncached, cache_read_input_tokens: read, cache_creation: created, output_tokens: output }) => ({
          startMs: Date.parse(start),
          model: of ?? '',
          input: uncached + read + Object.values(created).reduce((all, each) => all + each, 0),
          output,
        })),
      ),
  },
};

/** The name of a count of tokens. */
export function nameOfTokens(day: string, model: string, kind: 'input' | 'output'): string {
  return `${day} ${model} ${kind}`;
}

/** The day in UTC of a time in Unix ms. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The days of which a report is wanted, and how long it may take. */
interface Wanted {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly signal: AbortSignal;
  /** The longest time in ms until all of it is there, by default two minutes. */
  readonly withinMs?: number;
}

const who = 'The report of usage';

/**
 * Reads the tokens that a provider reports of whole days, by day and model. Rejects with GatewayError `target_unreachable`, `target_tls_failed`, `target_refused_credential`,
 * `limit_exceeded` or `unsupported`.
 */
export async function readUsageReport(settings: UsageSettings, wanted: Wanted): Promise<Counts> {
  const { fromMs, untilMs } = wanted;
  const counts = new Map<string, number>();
  let all = 0;
  for await (const { startMs, model: of, ...tokens } of usageOf(settings, wanted)) {
    if (startMs < fromMs || startMs >= untilMs) {
      throw new GatewayError('unsupported', `${who} has a day that was not asked for: ${dayOf(startMs)}.`);
    }
    for (const kind of ['input', 'output'] as const) {
      const name = nameOfTokens(dayOf(startMs), of, kind);
      if (tokens[kind] > 0) {
        all += tokens[kind];
        counts.set(name, (counts.get(name) ?? 0) + tokens[kind]);
      }
    }
    if (counts.size > countsMax || !Number.isSafeInteger(all)) {
      throw new GatewayError('limit_exceeded', `${who} has more than ${countsMax} counts, or more tokens than can be counted exactly: reconcile more often.`);
    }
  }
  return counts;
}

/** Yields what the pages of a report say. */
async function* usageOf({ provider, url, key, project }: UsageSettings, { fromMs, untilMs, signal, withinMs = reportMs }: Wanted): AsyncGenerator<DayUsage> {
  const { paths, query, headers, read } = reports[provider];
  const endMs = performance.now() + withinMs;
  const asked = [
    ...query(new Date(fromMs), new Date(untilMs), project),
    ['bucket_width', '1d'],
    ['group_by[]', 'model'],
    ['limit', String(bucketsPerPage)],
  ] as const;
  for (const path of paths) {
    const seen = new Set<string>();
    let next: string | null = null;
    do {
      const address: URL = new URL(`${url.replace(/\/+$/, '')}${path}`);
      address.search = new URLSearchParams([...asked, ...(next === null ? [] : [['page', next] as const])].map(([name, value]) => [name, value])).toString();
      const page = await askForPage(address, headers(key()), { answerMs: Math.max(1, Math.min(pageMs, endMs - performance.now())), signal });
      const after: string | null = readAs(() => paging.parse(page));
      yield* readAs(() => read(page));
      if (after !== null && (seen.has(after) || seen.size === pagesMax)) {
        throw new GatewayError('limit_exceeded', `${who} has more than ${pagesMax} pages, or comes back to a page: reconcile more often.`);
      }
      seen.add(after ?? '');
      next = after;
    } while (next !== null);
  }
}

/** Returns the JSON of a page. */
async function askForPage(
  address: URL,
  headers: readonly (readonly [string, string])[],
  within: { readonly answerMs: number; readonly signal: AbortSignal },
): Promise<unknown> {
  const answer = await askOnce(address, { method: 'GET', headers, body: '', ...within, bodyBytesMax: pageBytesMax, who });
  if (answer.status === 401 || answer.status === 403) {
    throw new GatewayError('target_refused_credential', `${who} refuses the key (${answer.status}): it takes a key of an administrator of the account.`);
  }
  if (answer.status !== 200 || !answer.isWhole) {
    throw new GatewayError(
      'unsupported',
      `${who} cannot be read: ${answer.isWhole ? `it answered ${answer.status}` : `it is longer than ${pageBytesMax} bytes`}.`,
    );
  }
  return readAs(() => parseStrictJson(answer.body));
}

/** Throws GatewayError `unsupported` if a page has another form. */
function readAs<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof z.ZodError || (cause instanceof GatewayError && cause.code === 'malformed')) {
      throw new GatewayError('unsupported', `${who} has another form than is known here.`, { cause });
    }
    throw cause;
  }
}
