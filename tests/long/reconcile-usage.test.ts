import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import OpenAI from 'openai';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { importBundled } from '../support/main-file.ts';

const dayMs = 86_400_000;
const main = join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts');

/** The ways in which the server answers who asks for a report. Null: it tells the truth. */
type Report = ((days: readonly Day[]) => readonly Day[]) | 'refused' | 'garbled' | 'endless' | 'closed' | 'circular' | 'unled' | 'twice' | 'monstrous' | null;

/** Tokens of a model on a day. */
interface Day {
  readonly startMs: number;
  readonly model: string;
  input: number;
  output: number;
}

/** The answers of the models, each with the path of its report, and the tokens that it counts for one. */
const providers = {
  openai: {
    ask: '/v1/chat/completions',
    report: '/v1/organization/usage/completions',
    answer: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'gpt-5-2026',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'fine' } }],
      usage: { prompt_tokens: 11, completion_tokens: 5, total_tokens: 16 },
    },
    model: 'gpt-5-2026',
    input: 11,
    output: 5,
    bucket: ({ startMs, model, input, output }: Day) => ({ start_time: startMs / 1000, results: [{ model, input_tokens: input, output_tokens: output }] }),
    key: ({ authorization }: Readonly<Record<string, unknown>>) => authorization === 'Bearer admin',
  },
  anthropic: {
    ask: '/v1/messages',
    report: '/v1/organizations/usage_report/messages',
    answer: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-5',
      content: [{ type: 'text', text: 'fine' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 7, cache_read_input_tokens: 2, cache_creation_input_tokens: 1, output_tokens: 3 },
    },
    model: 'claude-5',
    input: 10,
    output: 3,
    bucket: ({ startMs, model, input, output }: Day) => ({
      starting_at: new Date(startMs).toISOString(),
      results: [
        { model, uncached_input_tokens: input - 3, cache_read_input_tokens: 2, cache_creation: { ephemeral_5m_input_tokens: 1 }, output_tokens: output },
      ],
    }),
    key: (headers: Readonly<Record<string, unknown>>) => headers['x-api-key'] === 'admin',
  },
} as const;

for (const name of ['openai', 'anthropic'] as const) {
  void test(`what ${name} reports of usage agrees with what went through the gateway, or the difference is told and on record`, async (t) => {
    process.env['USAGE_KEY'] = 'admin';
    const provider = providers[name];
    // The clock stands at noon, so that no day ends while the test runs.
    let aheadMs = Math.ceil(Date.now() / dayMs) * dayMs + dayMs / 2 - Date.now();
    const clock = (): number => Date.now() + aheadMs;
    const counted: Day[] = [];
    const told: { report: Report; pages: number; asked: string } = { report: null, pages: 0, asked: '' };

    await using server = await openServer(async (request, response) => {
      const url = new URL(request.url ?? '', 'http://x');
      if (url.pathname === provider.ask) {
        const startMs = Math.floor(clock() / dayMs) * dayMs;
        const day = counted.find((each) => each.startMs === startMs) ?? { startMs, model: provider.model, input: 0, output: 0 };
        if (!counted.includes(day)) {
          counted.push(day);
        }
        day.input += provider.input;
        day.output += provider.output;
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(provider.answer));
      } else if (url.pathname === provider.report && provider.key(request.headers)) {
        told.pages += 1;
        url.searchParams.sort();
        told.asked = url.search;
        await sendReport(response, url.searchParams);
      } else {
        response.writeHead(url.pathname.startsWith('/v1/organization') && provider.key(request.headers) ? 200 : 401).end('{"data":[],"has_more":false}');
      }
    });

    /** Sends a page with one day, and says where the next one is. */
    async function sendReport(response: ServerResponse, asked: URLSearchParams): Promise<void> {
      const { report } = told;
      const timeOf = (word: string): number => (/^\d+$/.test(word) ? Number(word) * 1000 : Date.parse(word));
      const [from, until] = [
        ['start_time', 'starting_at'],
        ['end_time', 'ending_at'],
      ].map((names) => timeOf(names.map((each) => asked.get(each)).find((each) => each !== null) ?? ''));
      assert.ok(from !== undefined && until !== undefined && from < until);
      const within = counted.filter(({ startMs }) => startMs >= from && startMs < until);
      const days = typeof report === 'function' ? report(within) : within;
      const at = Number(asked.get('page') ?? 0);
      const bucket = days[at];
      const page = {
        data: bucket === undefined ? [] : [provider.bucket(bucket)],
        has_more: at + 1 < days.length,
        next_page: at + 1 < days.length ? String(at + 1) : null,
      };
      if (report === 'refused') {
        response.writeHead(403).end();
      } else if (report === 'closed') {
        response.destroy();
      } else if (report === 'endless') {
        response.writeHead(200, { 'content-type': 'application/json' }).write('{"data":[');
        // It writes until the gateway closes the connection.
        for (let error: unknown = null; (error ?? null) === null;) {
          error = await new Promise((resolve) => {
            response.write(' '.repeat(65_536), resolve);
          });
        }
      } else {
        const forged: Readonly<Record<string, unknown>> = {
          garbled: '<html>',
          circular: JSON.stringify({ ...page, has_more: true, next_page: '1' }),
          unled: JSON.stringify({ ...page, has_more: true, next_page: null }),
          twice: JSON.stringify(page).replace('"has_more"', '"has_more":true,"has_more"'),
          monstrous: JSON.stringify({ ...page, data: [provider.bucket({ startMs: from, model: 'm', input: 2 ** 53, output: 1 })] }),
        };
        response.writeHead(200, { 'content-type': 'application/json' }).end(String(typeof report === 'string' ? forged[report] : JSON.stringify(page)));
      }
    }

    const directory = mkdtempSync(join(tmpdir(), 'countersign-usage-'));
    t.after(() => {
      rmSync(directory, { recursive: true });
    });
    const configFile = join(directory, 'countersign.yaml');
    writeFileSync(
      configFile,
      `data: store\nlisten: { http: 127.0.0.1:0 }\ntargets: { model: { protocol: llm, url: "${server.url}", options: { provider: ${name} } } }
reconcile: { model: { usage: ${name}, url: "${server.url}", key: { env: USAGE_KEY } } }\nprincipals: { agent: { kind: agent, targets: [model] } }\n`,
    );
    const { Gateway } = await importBundled('gateway', async () => import('../../gateway/src/gateway.ts'));
    await using gateway = await Gateway.open({ logLevel: 'silent', configFile, clock });
    const base = `http://${gateway.addresses['http']}`;
    const headers = { authorization: `Bearer ${readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim()}`, 'content-type': 'application/json' };
    const made: { token?: string } = Object.assign(
      {},
      await (await fetch(`${base}/api/v1/tokens`, { method: 'POST', headers, body: '{"principal":"agent"}' })).json(),
    );

    const body = JSON.stringify({ model: provider.model, max_tokens: 5, messages: [{ role: 'user', content: 'hello' }] });
    const send = async (address: string): Promise<void> => {
      const answer = await fetch(`${address}${provider.ask}`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${made.token}`, 'content-type': 'application/json' },
      });
      assert.equal(answer.status, 200);
      await answer.text();
    };
    const through = async (): Promise<void> => send(`${base}/t/model`);
    const around = async (): Promise<void> => send(server.url);
    const run = async (...options: readonly string[]): Promise<{ readonly status: number; readonly output: string }> =>
      new Promise((resolve) => {
        execFile(process.execPath, [main, 'reconcile', 'model', '--config', configFile, ...options], { timeout: 120_000 }, (error, stdout, stderr) => {
          resolve({ status: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` });
        });
      });
    const reconcile = async (): Promise<Reconciled> => {
      const { status, output } = await run('--json');
      const found: Omit<Reconciled, 'status'> = JSON.parse(output);
      return { ...found, status };
    };
    const tomorrow = (): void => {
      aheadMs += dayMs;
    };
    const records = async (query: string): Promise<number> =>
      (await (await fetch(`${base}/api/v1/search?query=${encodeURIComponent(query)}`, { headers })).text())
        .split('\n')
        .filter((line) => line.includes('"record":')).length;
    const both = provider.input + provider.output;

    // Nothing of the day of the base line is compared. A later day is compared once the day after it is over, because reports come late.
    await around();
    assert.deepEqual(await reconcile().then(({ state, status }) => [state, status]), ['base line', 0]);
    tomorrow();
    await through();
    await through();
    assert.equal((await reconcile()).state, 'base line');
    tomorrow();
    await through();
    await around();
    assert.equal((await reconcile()).state, 'base line');
    tomorrow();
    const agreed = await reconcile();
    assert.deepEqual(
      [agreed.state, agreed.status, agreed.comparison?.counted, agreed.comparison?.recorded],
      ['agrees', 0, 2 * both, 2 * both],
      JSON.stringify(agreed),
    );

    if (name === 'openai') {
      // The provider's own client asks in the same way, and reads the same.
      const { asked } = told;
      const [from = 0, until = 0] = ['start_time', 'end_time'].map((each) => Number(new URLSearchParams(asked).get(each)));
      const client = new OpenAI({ apiKey: 'none', adminAPIKey: 'admin', baseURL: `${server.url}/v1` });
      const page = await client.admin.organization.usage.completions({ start_time: from, end_time: until, bucket_width: '1d', group_by: ['model'], limit: 31 });
      assert.equal(told.asked, asked);
      assert.deepEqual(
        page.data.map(({ results }) => results.map((each) => ('input_tokens' in each ? each.input_tokens : null))),
        [[2 * provider.input]],
      );
    }

    // The second day has a call that went past the gateway. What the report gets wrong in form is no comparison, and takes nothing from the next one.
    tomorrow();
    const before = await records('kind:reconcile');
    for (const [report, said] of [
      ['refused', /refuses the key \(403\)/],
      ['garbled', /has another form/],
      ['twice', /has another form/],
      ['unled', /has another form/],
      ['monstrous', /has another form|more tokens than/],
      ['circular', /comes back to a page/],
      ['endless', /longer than/],
      ['closed', /closed the connection/],
    ] as const) {
      told.report = report;
      const { status, output } = await run();
      assert.deepEqual([status, said.test(output)], [1, true], `${report}: ${output}`);
    }
    told.report = (days) => days.map((each) => ({ ...each, startMs: each.startMs - 7 * dayMs }));
    assert.match((await run()).output, /a day that was not asked for/);
    assert.equal(await records('kind:reconcile'), before, 'what could not be read is no comparison');
    told.report = null;
    const differing = await run();
    assert.equal(differing.status, 1, differing.output);
    assert.match(differing.output, new RegExp(`the target counts ${2 * both}; ${both} recorded`));
    assert.match(differing.output, new RegExp(`${2 * provider.input} counted, ${provider.input} recorded, 0 maybe: .*${provider.model} input tokens`));
    assert.equal(await records('kind:reconcile'), before + 1);
    assert.equal(await records('action:gateway.find_difference countersign.target:model'), 1);

    // Two days at once, in two pages. The report knows nothing of the second yet: that is a difference, too.
    await through();
    tomorrow();
    await through();
    tomorrow();
    tomorrow();
    told.report = (days) => days.slice(0, 1);
    const late = await reconcile();
    assert.deepEqual([late.state, late.status, late.comparison?.counted, late.comparison?.recorded], ['differs', 1, both, 2 * both], JSON.stringify(late));
    await through();
    tomorrow();
    await through();
    tomorrow();
    tomorrow();
    told.report = null;
    told.pages = 0;
    const paged = await reconcile();
    assert.deepEqual([paged.state, paged.comparison?.recorded, told.pages], ['agrees', 2 * both, 2], JSON.stringify(paged));
  });
}

interface Reconciled {
  readonly state: string;
  readonly status: number;
  readonly comparison: { readonly counted: number; readonly recorded: number } | null;
}
