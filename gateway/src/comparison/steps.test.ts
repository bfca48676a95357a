import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ShownRecord } from '../feed/shown-record.ts';
import { readSteps, type Step } from './steps.ts';

type Given = Partial<Omit<ShownRecord, 'attributes'>> & {
  readonly text?: string;
  readonly of?: number;
  readonly ids?: readonly string[];
  readonly words?: readonly string[];
  readonly begun?: boolean;
  readonly approval?: string;
  readonly continues?: boolean;
  /** The parts of what a model said, and that it ended. */
  readonly parts?: readonly object[];
  readonly finish?: string | undefined;
};

/** Records in order; `of` names the request that one belongs to. */
async function stepsOf(records: readonly Given[], session = '5'.repeat(32)): Promise<readonly Step[]> {
  async function* read(): AsyncGenerator<ShownRecord> {
    await Promise.resolve();
    for (const [seq, { text, of, ids, words, begun, approval, continues, parts, finish, ...given }] of records.entries()) {
      yield {
        session,
        seq,
        time: '2026-01-02T03:04:05.678Z',
        channel: 1,
        target: 'orders',
        protocol: 'any',
        kind: 'request',
        action: 'any.query',
        principal: 'bot',
        verdict: 'allow',
        policies: ['grants'],
        content: text === undefined ? null : { mediaType: 'text/plain', text, bytes: text.length },
        record: 'x/1',
        ...given,
        attributes: {
          ...(of === undefined ? {} : { 'countersign.request': of }),
          ...(ids === undefined ? {} : { 'countersign.ids': ids }),
          ...(words === undefined ? {} : { 'countersign.own_words': words }),
          ...(approval === undefined ? {} : { 'countersign.approval.id': approval }),
          ...(continues === undefined ? {} : { 'countersign.continues': continues }),
          ...(parts === undefined ? {} : { 'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts, finish_reason: finish }]) }),
          ...(begun === undefined ? {} : { 'countersign.begun_text': begun }),
        },
      };
    }
  }
  return readSteps(read());
}

const response = (of: number, text: string): Given => ({ kind: 'response', of, text });
const isSame = ([a]: readonly Step[], [b]: readonly Step[]): boolean => a?.askedKey === b?.askedKey && a?.answerKey === b?.answerKey;

test('a request and an answer are the same however they were cut into records', async () => {
  const whole = await stepsOf([{ text: 'insert into t values (1)' }, response(0, 'one\ntwo\nthree')]);
  const cut = await stepsOf([
    { text: 'insert into ' },
    { text: 't val', of: 0, action: null },
    { text: 'ues (1)\n', of: 0 },
    response(0, 'one'),
    response(0, ''),
    response(0, 'two\nthree'),
  ]);
  assert.equal(cut.length, 1);
  assert.ok(isSame(whole, cut));
  assert.deepEqual([cut[0]?.asked, cut[0]?.answer], ['insert into t values (1)', 'one\ntwo\nthree\n']);
});

test('T4.43: an answer whose text is divided between records is the same wherever it was cut', async () => {
  const whole = await stepsOf([{ text: 'ask' }, response(0, 'one\nlong value\nthree')]);
  const cut = await stepsOf([{ text: 'ask' }, response(0, 'one\nlon'), { ...response(0, 'g val'), begun: true }, { ...response(0, 'ue\nthree'), begun: true }]);
  const other = await stepsOf([{ text: 'ask' }, response(0, 'one\nlon'), response(0, 'g value\nthree')]);
  assert.ok(isSame(whole, cut));
  assert.ok(!isSame(whole, other));
});

test('what a model streams is the same however it was cut into records; an answer with an error is another', async () => {
  const said = (content: string): readonly object[] => [{ type: 'text', content }];
  const call = { type: 'tool_call', id: 'c1', name: 'run', arguments: { query: 'select 1' } };
  const whole = { ...response(1, 'That is all.\ntool call run({}) [c1]\nfinished: stop'), parts: [...said('That is all.'), call], finish: 'stop', ids: ['c1'] };
  const cut = (last: Given): readonly Given[] => [
    { text: 'earlier' },
    { text: 'ask' },
    { ...response(1, 'That '), parts: said('That '), continues: true },
    { ...response(1, ''), continues: true },
    { ...response(1, 'is all.\ntool call run({'), parts: [...said('is all.'), call], continues: true },
    { ...whole, ...last },
  ];
  const [, inOne] = await stepsOf([{ text: 'earlier' }, { text: 'ask' }, whole]);
  const [, inPieces] = await stepsOf(cut({ text: '"query":"select 1"})\nfinished: stop' }));
  const [, other] = await stepsOf(cut({ parts: [...said('That is it.'), call] }));
  const [, failed] = await stepsOf(cut({ text: '\nerror: overloaded', finish: undefined }));
  const [, unended] = await stepsOf(cut({}).slice(0, -1));
  assert.equal(inPieces?.answerKey, inOne?.answerKey);
  assert.match(inPieces?.answer ?? '', /^That is all\.\n/);
  assert.notEqual(other?.answerKey, inOne?.answerKey);
  assert.notEqual(failed?.answerKey, inOne?.answerKey);
  assert.match(failed?.answer ?? '', /^That \nis all.*error: overloaded/s);
  assert.match(unended?.answer ?? '', /^That \nis all/);
});

test('white space asks nothing; in answers it counts', async () => {
  const first = await stepsOf([{ text: 'select  1' }, response(0, 'a b')]);
  assert.ok(isSame(first, await stepsOf([{ text: '\n select ' }, { text: '\t1 ', of: 0 }, response(0, 'a b')])));
  assert.ok(!isSame(first, await stepsOf([{ text: 'select1' }, response(0, 'a b')])));
  assert.ok(!isSame(first, await stepsOf([{ text: 'select 1' }, response(0, 'a  b')])));
});

test('target, action and every character count, even characters that are not shown', async () => {
  const long = 'x'.repeat(5000);
  const first = await stepsOf([{ text: long }, response(0, long)]);
  assert.ok(isSame(first, await stepsOf([{ text: long }, response(0, long)])));
  for (const other of [{ text: `${long}y` }, { text: long, target: 'other' }, { text: long, action: 'any.other' }]) {
    assert.ok(!isSame(first, await stepsOf([other, response(0, long)])));
  }
  assert.ok(!isSame(first, await stepsOf([{ text: long }, response(0, `${long}y`)])));
  assert.ok((first[0]?.asked.length ?? 0) < 1100);
});

test('a session that names itself is no difference; what only the gateway does, and what says nothing, is no step', async () => {
  const words = (session: string): readonly Given[] => [{ text: 'who' }, response(0, `session ${session}`)];
  const [a, b] = ['a'.repeat(32), 'b'.repeat(32)];
  assert.ok(isSame(await stepsOf(words(a), a), await stepsOf(words(b), b)));
  const steps = await stepsOf([
    { kind: 'decision', text: 'opened' },
    { text: 'cancelled', policies: ['countersign'] },
    { text: '' },
    response(2, ''),
    { kind: 'response', text: 'a notice' },
    { text: 'select 1' },
  ]);
  assert.deepEqual(
    steps.map(({ seq, asked }) => [seq, asked]),
    [[5, 'select 1']],
  );
});

test('T4.34: when an answer over HTTP was made is no difference; what else its head says, and dates in its body, are', async () => {
  const answered = (date: string, rest: string): Promise<readonly Step[]> =>
    stepsOf([{ text: 'GET /' }, response(0, `HTTP 200\na: 1\ndate: ${date}\n${rest}`)]);
  const [one, other] = ['Sat, 28 Nov 2026 13:53:52 GMT', 'Sun, 29 Nov 2026 01:02:03 GMT'];
  const first = await answered(one, 'b: 2\n\nbody');
  assert.ok(isSame(first, await answered(other, 'b: 2\n\nbody')));
  assert.ok(!isSame(first, await answered(one, 'b: 3\n\nbody')));
  assert.ok(!isSame(await answered(one, `\ndate: ${one}`), await answered(one, `\ndate: ${other}`)));
});

test('headers that are new in each answer over HTTP are no difference in their values; that they are there is', async () => {
  const answered = (...lines: readonly string[]): Promise<readonly Step[]> => stepsOf([{ text: 'GET /' }, response(0, ['HTTP 200', ...lines].join('\n'))]);
  for (const [name, one, other] of [
    ['age', '3', '4'],
    ['x-request-id', '9f1c', '77ab'],
    ['request-id', 'req_011', 'req_012'],
    ['x-amzn-RequestId', 'a', 'b'],
    ['X-Amzn-Trace-Id', 'Root=1-a', 'Root=1-b'],
    ['cf-ray', '8c-FRA', '8d-FRA'],
    ['traceparent', '00-1-2-01', '00-3-4-01'],
    ['openai-processing-ms', '120', '121'],
    ['server-timing', 'db;dur=1', 'db;dur=2'],
    ['x-envoy-upstream-service-time', '5', '6'],
    ['x-ratelimit-remaining-tokens', '99', '98'],
    ['anthropic-ratelimit-requests-reset', '2026-01-01T00:00:00Z', '2026-01-01T00:00:09Z'],
    ['set-cookie', '__bm=abc; path=/', '__bm=def; path=/'],
  ] as const) {
    const first = await answered('a: 1', `${name}: ${one}`, '', 'body');
    assert.ok(isSame(first, await answered('a: 1', `${name}: ${other}`, '', 'body')), name);
    assert.ok(!isSame(first, await answered('a: 1', '', 'body')), name);
    assert.ok(!isSame(first, await answered('a: 1', `${name}: ${other}`, '', 'other')), name);
    assert.ok(!isSame(await answered('', `${name}: ${one}`), await answered('', `${name}: ${other}`)), `${name} in a body`);
  }
  for (const [one, other] of [
    ['etag: "1"', 'etag: "2"'],
    ['x-ratelimit-limit-tokens: 100', 'x-ratelimit-limit-tokens: 200'],
    ['x-request-id-policy: a', 'x-request-id-policy: b'],
    ['set-cookie: a=1', 'set-cookie: b=1'],
    ['set-cookie: a=1; path=/', 'set-cookie: a=1; path=/x'],
  ] as const) {
    assert.ok(!isSame(await answered(one, '', 'body'), await answered(other, '', 'body')), one);
  }
});

test('headers that are new in each request over HTTP are no difference in their values', async () => {
  const asked = (...lines: readonly string[]): Promise<readonly Step[]> => stepsOf([{ text: ['POST /things?a=1', ...lines].join('\n') }, response(0, 'ok')]);
  for (const name of ['Idempotency-Key', 'X-Client-Request-Id', 'x-amz-date', 'x-stainless-retry-count', 'sentry-trace']) {
    const first = await asked('accept: */*', `${name}: 1`, '', 'body');
    assert.ok(isSame(first, await asked('accept: */*', `${name}: 2`, '', 'body')), name);
    assert.ok(!isSame(first, await asked('accept: text/html', `${name}: 1`, '', 'body')), name);
    assert.ok(!isSame(await asked('', `${name}: 1`), await asked('', `${name}: 2`)), `${name} in a body`);
  }
});

test('more requests than can be compared are refused', async () => {
  await assert.rejects(stepsOf(Array.from({ length: 50_001 }, () => ({ text: 'x' }))), /more than 50000 requests/);
});

/** A model asks for two tools and is given their results; `extra`: asked before. */
const run = (ids: readonly [string, string], results: readonly [string, string], extra: readonly Given[] = []): readonly Given[] => {
  const at = extra.length;
  return [
    ...extra,
    { text: 'user: go' },
    { ...response(at, `tool call a({}) [${ids[0]}]`), ids: [ids[0]] },
    { ...response(at, `tool call b({}) [${ids[1]}]`), ids: [ids[1]] },
    { text: `user: go tool result [${results[0]}]: x tool result [${results[1]}]: y`, ids },
    response(at + 3, 'done'),
  ];
};

test('T4.26: the ids of tool calls are no difference between two runs, and are not mixed up', async () => {
  const keys = (steps: readonly Step[]): unknown => steps.map(({ askedKey, answerKey }) => [askedKey, answerKey]);
  const first = await stepsOf(run(['call_1', 'call_12'], ['call_1', 'call_12']));
  const other = await stepsOf(run(['toolu_x', 'toolu_y'], ['toolu_x', 'toolu_y']));
  assert.deepEqual(keys(first), keys(other));
  const swapped = await stepsOf(run(['p', 'q'], ['q', 'p']));
  assert.notEqual(first[1]?.askedKey, swapped[1]?.askedKey, 'the results are those of the other call');
  const longer = await stepsOf(run(['p', 'q'], ['p', 'q'], [{ text: 'user: before' }, { ...response(0, 'tool call c({}) [z]'), ids: ['z'] }]));
  assert.deepEqual(keys(longer.slice(1)), keys(first), 'a request more before them');
});

test('T4.26: what clients write of their own into results is no difference between two runs', async () => {
  const result = (process: number, said: string): Given => ({ text: `${said}\nProcess: ${process}`, words: [`Process: ${process}`] });
  assert.ok(isSame(await stepsOf([result(1, 'a.txt'), response(0, 'ok')]), await stepsOf([result(2, 'a.txt'), response(0, 'ok')])));
  assert.ok(!isSame(await stepsOf([result(1, 'a.txt'), response(0, 'ok')]), await stepsOf([result(1, 'b.txt'), response(0, 'ok')])));
});

test('a request whose content the reader may not see is there; one without any content marks the end of a batch', async () => {
  const steps = await stepsOf([{}, { text: '' }, { text: 'select 1' }, { kind: 'response', of: 2 }]);
  assert.deepEqual(
    steps.map(({ seq, isHidden }) => [seq, isHidden]),
    [
      [0, true],
      [2, true],
    ],
  );
});

test('the id of an approval is no difference between two runs', async () => {
  const held = async (id: string): Promise<readonly Step[]> =>
    stepsOf([{ text: 'create table t ()' }, { kind: 'approval', of: 0, approval: id }, response(0, `it waits: countersign approval grant ${id}`)]);
  assert.ok(isSame(await held('ap_0123456789abcdef'), await held('ap_fedcba9876543210')));
  const named = async (id: string): Promise<readonly Step[]> => stepsOf([{ text: 'select 1' }, response(0, id)]);
  assert.ok(!isSame(await named('ap_0123456789abcdef'), await named('ap_fedcba9876543210')), 'a text that is no approval counts');
});
