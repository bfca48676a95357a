import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { portOf } from '../wire/testdata/sockets.ts';
import { RecordedUsage } from './recorded-usage.ts';
import { readUsageReport } from './usage-report.ts';

const dayMs = 86_400_000;
const fromMs = Date.parse('2026-11-01T00:00:00Z');

void test('the reports of providers are read to their last page, by day and model', async (t) => {
  const pages: Readonly<Record<string, unknown>> = {
    '/v1/organization/usage/completions': {
      data: [{ start_time: fromMs / 1000, results: [{ model: 'gpt-5', input_tokens: 10, output_tokens: 4, input_cached_tokens: 3 }] }],
      has_more: true,
      next_page: 'two',
    },
    '/v1/organization/usage/completions two': {
      data: [
        { start_time: fromMs / 1000, results: [{ model: 'gpt-5', input_tokens: 1, output_tokens: 1 }] },
        { start_time: (fromMs + dayMs) / 1000, results: [] },
      ],
      has_more: false,
      next_page: null,
    },
    '/v1/organization/usage/embeddings': { data: [{ start_time: fromMs / 1000, results: [{ model: 'embed', input_tokens: 7 }] }], has_more: false },
    '/v1/organizations/usage_report/messages': {
      data: [
        {
          starting_at: '2026-11-01T00:00:00Z',
          results: [
            {
              model: 'claude',
              uncached_input_tokens: 5,
              cache_read_input_tokens: 2,
              cache_creation: { ephemeral_1h_input_tokens: 1, ephemeral_5m_input_tokens: 3 },
              output_tokens: 9,
            },
          ],
        },
      ],
      has_more: false,
      next_page: null,
    },
  };
  const asked: string[] = [];
  const server = createServer(({ url = '', headers }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://x');
    const page = searchParams.get('page');
    asked.push(
      `${pathname} ${searchParams.get('bucket_width')} ${searchParams.get('group_by[]')} ${headers.authorization ?? headers['x-api-key']?.toString() ?? ''}`,
    );
    const key = headers.authorization ?? headers['x-api-key'];
    response
      .writeHead(key === 'Bearer wrong' ? 401 : 200)
      .end(key === 'Bearer garbled' ? '{"data":5}' : JSON.stringify(pages[`${pathname}${page === null ? '' : ` ${page}`}`]));
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${portOf(server)}`;
  const window = { fromMs, untilMs: fromMs + 2 * dayMs, signal: new AbortController().signal };
  const openai = { provider: 'openai', url, project: null } as const;
  assert.deepEqual(
    await readUsageReport({ ...openai, key: () => 'right' }, window),
    new Map([
      ['2026-11-01 gpt-5 input', 11],
      ['2026-11-01 gpt-5 output', 5],
      ['2026-11-01 embed input', 7],
    ]),
  );
  assert.deepEqual(asked[0], '/v1/organization/usage/completions 1d model Bearer right');
  assert.deepEqual(
    await readUsageReport({ provider: 'anthropic', url, project: 'ws', key: () => 'right' }, window),
    new Map([
      ['2026-11-01 claude input', 11],
      ['2026-11-01 claude output', 9],
    ]),
  );
  await assert.rejects(readUsageReport({ ...openai, key: () => 'wrong' }, window), { code: 'target_refused_credential' });
  await assert.rejects(readUsageReport({ ...openai, key: () => 'garbled' }, window), { code: 'unsupported' });
});

void test('tokens of recorded answers are counted once, on the day of their last record', () => {
  const usage = new RecordedUsage();
  const add = (request: number, time: string, attributes: Readonly<Record<string, string | number>>): void => {
    usage.add({ session: 's', time, attributes: { 'countersign.request': request, ...attributes } });
  };
  add(1, '2026-11-01T10:00:00Z', { 'gen_ai.response.model': 'claude', 'gen_ai.usage.input_tokens': 11 });
  add(1, '2026-11-01T10:00:01Z', { 'gen_ai.usage.input_tokens': 11, 'gen_ai.usage.output_tokens': 9 });
  add(2, '2026-11-02T00:00:00Z', { 'gen_ai.response.model': 'claude', 'gen_ai.usage.output_tokens': 3 });
  assert.deepEqual(
    usage.between('2026-11-01', '2026-11-02'),
    new Map([
      ['2026-11-01 claude input', 11],
      ['2026-11-01 claude output', 9],
    ]),
  );
});

void test('a report that does not come in time is an error, also if it comes little by little', async (t) => {
  const server = createServer(({ url = '' }, response) => {
    if (url.includes('completions')) {
      response.writeHead(200).write('{');
      const timer = setInterval(() => response.write(' '), 10);
      response.on('close', () => {
        clearInterval(timer);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const settings = { url: `http://127.0.0.1:${portOf(server)}`, project: null, key: () => 'right' };
  const window = { fromMs, untilMs: fromMs + dayMs, signal: new AbortController().signal, withinMs: 200 };
  for (const provider of ['openai', 'anthropic'] as const) {
    await assert.rejects(readUsageReport({ ...settings, provider }, window), { code: 'target_unreachable' });
  }
});

void test('what no answer can have used is not added up', () => {
  const usage = new RecordedUsage();
  for (const [i, tokens] of [1e300, -5, 0.5, 2 ** 53, 7].entries()) {
    usage.add({
      session: 's',
      time: '2026-11-01T10:00:00Z',
      attributes: { 'countersign.request': i, 'gen_ai.response.model': 'm', 'gen_ai.usage.input_tokens': tokens },
    });
  }
  assert.deepEqual(usage.between('2026-11-01', '2026-11-02'), new Map([['2026-11-01 m input', 7]]));
});
