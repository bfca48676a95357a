import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import { problemOf } from '../../exchange/problem.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import type { Frame } from '../../content/frame.ts';
import type { AskingFrame } from '../../exchange/reading.ts';
import { framerOf } from './answer-form.ts';
import { asksOf } from './asks.ts';

const head = {
  method: 'POST',
  path: '/',
  headers: [
    ['mcp-session-id', 's'],
    ['mcp-protocol-version', '2025-11-25'],
    ['accept', 'x'],
  ],
} as const;
const events = { 'content-type': 'text/event-stream' };
const json = { 'content-type': 'application/json' };
const elicit = '{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{}}';
const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{}}';
const result = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';
const inputRequired =
  '{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"sampling/createMessage"},"b":{"method":"roots/list"}}}}';
const problem = problemOf(new GatewayError('refused', 'no'), 'c0ffee');

interface Seen {
  readonly text: string;
  readonly actions: readonly string[];
  readonly toClient: string | null;
  readonly toTarget: readonly string[];
}

interface Screened {
  readonly bytes: Buffer;
  readonly asking: AskingFrame | null;
}

/** Cuts an answer in these pieces into frames, with what the server asks in each. */
function framesOf(headers: Readonly<Record<string, string>>, pieces: readonly Buffer[]): Screened[] {
  const answered = { status: 200, headers: Object.entries(headers) };
  const framer = framerOf(answered, defaultEventBytesMax);
  const ask = (frame: Frame): Screened => ({ bytes: frame.bytes, asking: asksOf(head, frame, answered) });
  return [...pieces.flatMap((piece) => framer.push(piece)).map(ask), ...framer.end().map(ask)];
}

/** Screens an answer in these pieces. */
function screened(headers: Readonly<Record<string, string>>, pieces: readonly Buffer[]): Seen[] {
  return framesOf(headers, pieces).map(({ bytes, asking }) => {
    const { asks, refused } = asking ?? { asks: [], refused: () => ({ toClient: null, toTarget: [] }) };
    const { toClient, toTarget } = refused(problem);
    assert.ok(typeof asks !== 'function', 'a short frame is read at once');
    return {
      text: bytes.toString(),
      actions: asks.map(({ action }) => action.name),
      toClient: toClient?.toString() ?? null,
      toTarget: toTarget.map(({ body }) => body.toString()),
    };
  });
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

describe('what a server asks of its client', () => {
  for (const [what, lineEnd] of [
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ] as const) {
    test(`is found in a stream however it is cut, and its event is one piece: lines end with ${what}`, () => {
      const stream = [': hello', '', 'id: 1', `data: ${progress}`, '', 'event: message', `data: ${elicit}`, 'id: 2', '', `data: ${result}`, '', ''].join(
        lineEnd,
      );
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 12 }), (at) => {
          const seen = screened(events, cut(Buffer.from(stream), at));
          assert.equal(seen.map(({ text }) => text).join(''), stream);
          assert.deepEqual(
            seen.flatMap(({ actions }) => actions),
            ['mcp.elicit'],
          );
          const asking = seen.find(({ actions }) => actions.length > 0);
          assert.match(asking?.text ?? '', /^\n?event: message[^]*elicitation[^]*id: 2[\r\n]+$/);
        }),
        { numRuns: 300 },
      );
    });
  }

  test('a request that is denied is left out, and the server gets an error for it', () => {
    const [piece] = screened(events, [Buffer.from(`data: ${elicit}\n\n`)]);
    assert.equal(piece?.toClient, '');
    const [error = ''] = piece.toTarget;
    assert.deepEqual(JSON.parse(error), {
      jsonrpc: '2.0',
      id: 7,
      error: { code: -32_010, message: 'countersign: no', data: { code: 'refused', session: 'c0ffee' } },
    });
  });

  test('a result that asks for input and is denied becomes an error for the request it answers', () => {
    const [piece] = screened(events, [Buffer.from(`data: ${inputRequired}\n\n`)]);
    assert.deepEqual(piece?.actions, ['mcp.sample', 'mcp.list_roots']);
    assert.match(piece.toClient ?? '', /^event: message\ndata: \{"jsonrpc":"2.0","id":1,"error":.*\}\n\n$/);
    assert.deepEqual(piece.toTarget, []);
    const [whole] = screened(json, cut(Buffer.from(inputRequired), [10, 20]));
    assert.deepEqual([whole?.text, whole?.actions, whole?.toClient], [inputRequired, ['mcp.sample', 'mcp.list_roots'], null]);
  });

  test('also in a batch, at the end of a stream without a blank line, and in what only some take for a stream', () => {
    assert.deepEqual(screened(json, [Buffer.from(`[${result},${elicit}]`)])[0]?.actions, ['mcp.elicit']);
    assert.deepEqual(screened(events, [Buffer.from(`data: ${elicit}`)])[0]?.actions, ['mcp.elicit']);
    assert.deepEqual(screened({ 'content-type': 'application/json+Text/Event-Stream' }, [Buffer.from(`data: ${elicit}\n\n`)])[0]?.actions, ['mcp.elicit']);
    assert.deepEqual(screened({}, [Buffer.from(elicit)])[0]?.actions, ['mcp.elicit']);
  });

  test('bytes that the gateway cannot read but some client may read count as an unknown request', () => {
    for (const data of [
      '{"method":"sampling/createMessage","id":1,"x":NaN}',
      '{"Method":"sampling/createMessage","id":1}',
      '{"jsonrpc":"2.0","id":{},"method":"x"}',
    ]) {
      assert.deepEqual(screened(events, [Buffer.from(`data: ${data}\n\n`)])[0]?.actions, ['mcp.unknown'], data);
      assert.deepEqual(screened(json, [Buffer.from(data)])[0]?.actions, ['mcp.unknown'], data);
    }
    assert.deepEqual(
      screened({ ...json, 'content-encoding': 'gzip' }, [Buffer.from('x'), Buffer.from('y')]).map(({ actions }) => actions),
      [['mcp.unknown'], []],
    );
    const twice = { status: 200, headers: ['identity', 'gzip'].map((coding) => ['content-encoding', coding] as const) };
    const [frame] = framerOf(twice, defaultEventBytesMax).push(Buffer.from('x'));
    assert.equal(frame?.is, 'long', 'nobody knows which of two codings a client undoes');
    for (const [headers, text] of [
      [events, 'data: {"event":1}\n\n'],
      [json, '{"event":1}'],
      [{ 'content-type': 'text/html' }, '<html>'],
      [json, ''],
    ] as const) {
      assert.deepEqual(
        screened(headers, [Buffer.from(text)]).flatMap(({ actions }) => actions),
        [],
      );
    }
  });

  test('more than is held goes as what cannot be read, all of it in order', () => {
    const mebibyte = Buffer.alloc(1024 * 1024, 'x');
    for (const [headers, begin, end] of [
      [events, 'data: ', `\n\ndata: ${elicit}\n\n`],
      [json, '"', '"'],
    ] as const) {
      const seen = screened(headers, [Buffer.from(begin), ...Array.from({ length: 18 }, () => mebibyte), Buffer.from(end)]);
      assert.equal(
        seen.reduce((sum, { text }) => sum + text.length, 0),
        begin.length + 18 * mebibyte.length + end.length,
      );
      assert.deepEqual(
        seen.flatMap(({ actions }) => actions),
        headers === events ? ['mcp.unknown', 'mcp.elicit'] : ['mcp.unknown'],
      );
    }
  });

  test('any bytes go through as they came', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(), { maxLength: 6 }), fc.constantFrom(events, json, {}), (bytes, at, headers) => {
        const frames = framesOf(headers, cut(Buffer.from(bytes), at));
        assert.deepEqual(Buffer.concat(frames.map((frame) => frame.bytes)), Buffer.from(bytes));
        frames.forEach(({ asking }) => asking?.refused(problem));
      }),
      { numRuns: 500 },
    );
  });
});
