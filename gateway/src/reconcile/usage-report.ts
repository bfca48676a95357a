import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import type { Counts } from '../domain/counting.ts';
import type { UsageProvider, UsageSettings } from '../domain/usage-settings.ts';
import { askOnce } from '../exchange/ask-once.ts';

/** Most pages of a report, most bytes of one, and the longest time in ms until it is there. */
const pagesMax = 100;
const pageBytesMax = 8 * 1024 * 1024;
const pageMs = 30_000;
const bucketsPerPage = 31;

const count = z.int().min(0);
const paging = { has_more: z.boolean(), next_page: z.string().nullish() };
const openaiPage = z.object({
  ...paging,
  data: z.array(
    z.object({ start_time: z.int(), results: z.array(z.object({ model: z.string().nullable(), input_tokens: count, output_tokens: count.default(0) })) }),
  ),
});
const anthropicPage = z.object({
  ...paging,
  data: z.array(
    z.object({
      starting_at: z.iso.datetime({ offset: true }),
      results: z.array(
        z.object({
          model: z.string().nullable(),
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
  readonly day: string;
  readonly model: string;
  readonly input: number;
  readonly output: number;
}

interface Page {
  readonly usage: readonly DayUsage[];
  readonly next: string | null;
}

interface Report {
  /** The paths of its parts. */
  readonly paths: readonly string[];
  readonly query: (from: Date, until: Date, project: string | null) => readonly (readonly [string, string])[];
  readonly headers: (key: string) => readonly (readonly [string, string])[];
  readonly read: (page: unknown) => Page;
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
    read: (written) => {
      const { data, has_more: hasMore, next_page: next } = openaiPage.parse(written);
      const usage = data.flatMap(({ start_time: start, results }) =>
        results.map(({ model, input_tokens: input, output_tokens: output }) => ({ day: dayOf(start * 1000), model: model ?? '', input, output })),
      );
      return { usage, next: hasMore ? (next ?? null) : null };
    },
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
    read: (written) => {
      const { data, has_more: hasMore, next_page: next } = anthropicPage.parse(written);
      const usage = data.flatMap(({ starting_at: start, results }) =>
        results.map(({ model, uncached_input_tokens: uncached, cache_read_input_tokens: read, cache_creation: created, output_tokens: output }) => ({
          day: dayOf(Date.parse(start)),
          model: model ?? '',
          input: uncached + read + Object.values(created).reduce((all, each) => all + each, 0),
          output,
        })),
      );
      return { usage, next: hasMore ? (next ?? null) : null };
    },
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

/** Reads the tokens that a provider reports of whole days, by day and model. Rejects with GatewayError `target_unreachable`, `target_tls_failed`, `target_refused_credential` or `unsupported`. */
export async function readUsageReport(
  { provider, url, key, project }: UsageSettings,
  { fromMs, untilMs, signal }: { readonly fromMs: number; readonly untilMs: number; readonly signal: AbortSignal },
): Promise<Counts> {
  const { paths, query, headers, read } = reports[provider];
  const counts = new Map<string, number>();
  const add = (name: string, tokens: number): void => {
    if (tokens > 0) {
      counts.set(name, (counts.get(name) ?? 0) + tokens);
    }
  };
  const asked = [
    ...query(new Date(fromMs), new Date(untilMs), project),
    ['bucket_width', '1d'],
    ['group_by[]', 'model'],
    ['limit', String(bucketsPerPage)],
  ] as const;
  for (const path of paths) {
    let next: string | null = null;
    for (let pages = 0; pages === 0 || next !== null; pages++) {
      if (pages === pagesMax) {
        throw new GatewayError('limit_exceeded', `The report of usage has more than ${pagesMax} pages: reconcile more often.`);
      }
      const address: URL = new URL(`${url.replace(/\/+$/, '')}${path}`);
      address.search = new URLSearchParams([...asked, ...(next === null ? [] : [['page', next] as const])].map(([name, value]) => [name, value])).toString();
      const page = await readPage(address, headers(key()), { read, signal });
      for (const { day, model, input, output } of page.usage) {
        add(nameOfTokens(day, model, 'input'), input);
        add(nameOfTokens(day, model, 'output'), output);
      }
      next = page.next;
    }
  }
  return counts;
}

async function readPage(
  address: URL,
  headers: readonly (readonly [string, string])[],
  { read, signal }: { readonly read: Report['read']; readonly signal: AbortSignal },
): Promise<Page> {
  const who = 'The report of usage';
  const answer = await askOnce(address, { method: 'GET', headers, body: '', signal, answerMs: pageMs, bodyBytesMax: pageBytesMax, who });
  if (answer.status === 401 || answer.status === 403) {
    throw new GatewayError('target_refused_credential', `${who} refuses the key (${answer.status}): it takes a key of an administrator of the account.`);
  }
  if (answer.status !== 200 || !answer.isWhole) {
    throw new GatewayError(
      'unsupported',
      `${who} cannot be read: ${answer.isWhole ? `it answered ${answer.status}` : `it is longer than ${pageBytesMax} bytes`}.`,
    );
  }
  try {
    return read(JSON.parse(answer.body.toString()));
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof z.ZodError) {
      throw new GatewayError('unsupported', `${who} has another form than is known here.`, { cause });
    }
    throw cause;
  }
}
