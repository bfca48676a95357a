import { strict as assert } from 'node:assert';
import { hash } from 'node:crypto';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { renderedCharactersMax, type OpenedRecord } from '../../domain/record.ts';
import { render } from './render.ts';
import { awsException } from './testdata/aws-messages.ts';
import { cutAt, fixture, samples } from './testdata/fixtures.ts';
import type { Message } from './transcript.ts';

/** A request, and the pieces of its answer; what is read of the record at `at`. */
function shown(
  records: readonly (string | Uint8Array | null)[],
  at = records.length - 1,
): { readonly text: string; readonly attributes: Readonly<Record<string, unknown>> } {
  const opened = records.map((content, seq): OpenedRecord => ({
    session: '',
    seq,
    timeMs: 0,
    kind: seq === 0 ? 'request' : 'response',
    record: '',
    meta: { channel: 1, ...(seq === 0 ? {} : { request: 0 }) },
    channelFacts: null,
    governance: null,
    content: content === null ? null : Buffer.from(content),
    continues: seq > 0 && seq < records.length - 1,
    withheld: null,
  }));
  const record = opened[at];
  assert.ok(record);
  return render(record, (seq) => opened[seq] ?? null);
}

function request(path: string, body: Uint8Array | string = '', method = 'POST'): Buffer {
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\r\n`), Buffer.from(body)]);
}

function response(type: string, body: Uint8Array | string, more = '', status = '200 OK'): Buffer {
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\n${more}\r\n`), Buffer.from(body)]);
}

function messagesIn(attributes: Readonly<Record<string, unknown>>): Message[] {
  const text = attributes['gen_ai.output.messages'];
  return typeof text === 'string' ? JSON.parse(text) : [];
}

/** Returns the parts of messages, whatever the spelling of their JSON. */
function partsIn(attributes: Readonly<Record<string, unknown>>): unknown[] {
  return messagesIn(attributes).flatMap(({ parts }) =>
    parts.map((part) => ('arguments' in part && typeof part.arguments === 'string' ? { ...part, arguments: JSON.parse(part.arguments) } : part)),
  );
}

const chat = '/v1/chat/completions';
const asked = [
  'system: You tell the weather.',
  'user: Where is this, and how is the weather there?',
  'user: [image image/png, 8 bytes, sha256 4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6]',
  'assistant: I look it up.',
  'tool call get_weather({"city":"Paris"}) [call_0]',
  'tool result [call_0]: 21 degrees',
  'user: And in Zürich?',
].join('\n');
const calls = ['assistant: I look at both 🌤.', 'tool call get_weather({"city":"Paris"}) [call_1]', 'tool call get_weather({"city":"Zürich"}) [call_2]'].join(
  '\n',
);

describe('requests', () => {
  for (const sample of samples) {
    test(`${sample.name}: one transcript view whatever the provider`, () => {
      const { text, attributes } = shown([request(sample.path, sample.request)]);
      const same = text.replace('{"output":"21 degrees"}', '21 degrees').replace('system: [cachePoint]\n', '').replace('[image, ', '[image image/png, ');
      assert.equal(same, asked);
      const messages = JSON.parse(String(attributes['gen_ai.input.messages']));
      assert.equal(messages.at(-1).parts[0].content, 'And in Zürich?');
    });
  }

  test('below the base path of a target', () => {
    const body = '{"messages":[{"role":"user","content":"hi"}]}';
    assert.equal(shown([request(`/proxy/models${chat}`, body)]).text, 'user: hi');
    assert.match(shown([request(`${'/a'.repeat(10)}${chat}`, body)]).text, /^POST /);
  });

  test('without a body the request itself', () => {
    assert.equal(shown([request('/v1/models', '', 'GET')]).text, 'GET /v1/models');
  });

  test('an answer that is unknown, cut or refused is shown as it is', () => {
    assert.equal(shown([request('/v1/files', 'abc')]).text, 'POST /v1/files\nabc');
    assert.equal(shown([request(chat, '{"messages":[{"role":"us')]).text, `POST ${chat}\n{"messages":[{"role":"us`);
    const twice = '{"messages":[{"role":"user","content":"a"}],"messages":[{"role":"user","content":"b"}]}';
    assert.equal(shown([request(chat, twice)]).text, `POST ${chat}\n${twice}`);
    assert.equal(shown(['more of the body']).text, 'more of the body');
    assert.equal(shown([Buffer.from([0xff, 0xfe, 0x00, 0xff, 0xff])]).text, '(5 bytes that are not text)');
    assert.equal(shown([null]).text, '');
  });
});

describe('answers', () => {
  for (const sample of samples) {
    test(`${sample.name}: whole`, () => {
      const { text, attributes } = shown([request(sample.path), response('application/json', sample.answer)]);
      assert.ok(text.includes(calls), text);
      assert.match(text, /finished: /);
      assert.equal(JSON.parse(String(attributes['gen_ai.output.messages']))[0].role, 'assistant');
    });

    for (const stream of sample.streams) {
      test(`${sample.name}: a whole stream of ${stream.type}`, () => {
        assert.ok(shown([request(stream.path), response(stream.type, stream.bytes)]).text.includes(calls));
      });

      test(`T4.20: ${sample.name}: the last record of a stream of ${stream.type} has the messages of the same answer in one record`, () => {
        const whole = shown([request(stream.path), response(stream.type, stream.bytes)]).attributes;
        const unstreamed = shown([request(sample.path), response('application/json', sample.answer)]).attributes;
        assert.deepEqual(partsIn(whole), partsIn(unstreamed));
        fc.assert(
          fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 12 }), fc.constantFrom('', 'gzip'), (places, coding) => {
            const bytes = coding === '' ? stream.bytes : gzipSync(stream.bytes);
            const [first = '', ...others] = cutAt(bytes, places);
            const head = coding === '' ? '' : `Content-Encoding: ${coding}\r\n`;
            const { attributes } = shown([request(stream.path), response(stream.type, first, head), ...others]);
            assert.deepEqual(attributes['gen_ai.output.messages'], whole['gen_ai.output.messages']);
            assert.equal(attributes['countersign.is_whole'], undefined);
          }),
          { numRuns: 30 },
        );
      });

      test(`${sample.name}: no text is lost or said twice in the pieces of a stream of ${stream.type}`, () => {
        fc.assert(
          fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
            const pieces = cutAt(stream.bytes, places);
            // The last record has the whole message.
            const records = [request(stream.path), response(stream.type, pieces[0] ?? ''), ...pieces.slice(1), ''];
            const all = pieces.map((_, i) => messagesIn(shown(records, i + 1).attributes));
            const parts = all.flatMap((messages) => messages.flatMap((message) => message.parts));
            const said = parts.flatMap((part) => (part.type === 'text' ? [part.content] : []));
            assert.equal(said.join(''), 'I look at both 🌤.');
            const called = parts.flatMap((part) => (part.type === 'tool_call' ? [part] : []));
            assert.deepEqual(
              called.flatMap(({ name, id }) => (name === '' ? [] : [id])),
              ['call_1', 'call_2'],
            );
            const given = called.map((part) => (typeof part.arguments === 'string' ? part.arguments : JSON.stringify(part.arguments).replace(/^\{\}$/, '')));
            assert.equal(given.join('').length, '{"city":"Paris"}{"city":"Zürich"}'.length);
          }),
          { numRuns: 30 },
        );
      });
    }
  }

  test('codings are undone, also of a body that is cut', () => {
    const body = fixture('openai-chat-answer.json');
    for (const [coding, coded] of [
      ['gzip', gzipSync(body)],
      ['br', brotliCompressSync(body)],
      ['zstd', zstdCompressSync(body)],
      ['deflate', deflateSync(body)],
      ['identity', body],
    ] as const) {
      assert.ok(shown([request(chat), response('application/json', coded, `content-encoding: ${coding}\r\n`)]).text.includes(calls), coding);
    }
    const stream = fixture('openai-chat-stream.txt');
    const cut = gzipSync(stream).subarray(0, -30);
    assert.match(shown([request(chat), response('text/event-stream', cut, 'content-encoding: gzip\r\n')]).text, /I look at/);
    assert.match(shown([request(chat), response('application/json', 'no gzip', 'content-encoding: gzip\r\n')]).text, /^no gzip$/);
  });

  test('errors say what the provider said', () => {
    const body = '{"error":{"message":"Slow down","type":"requests","code":"rate_limit_exceeded"}}';
    assert.equal(shown([request(chat), response('application/json', body, '', '429 Too Many Requests')]).text, 'error rate_limit_exceeded Slow down');
    assert.equal(shown([request('/model/x/converse-stream'), '', awsException('throttlingException', 'Too many')]).text, 'error ThrottlingException Too many');
  });

  test('unknown content is shown as it is', () => {
    assert.equal(shown([request('/v1/models', '', 'GET'), response('application/json', '{"data":[]}')]).text, '{"data":[]}');
    assert.equal(shown([request('/v1/files'), response('text/plain', 'abc')]).text, 'abc');
    assert.equal(shown([request(chat), response('text/html', '<p>Bad gateway</p>')]).text, '<p>Bad gateway</p>');
    assert.equal(shown([null, response('application/json', '{"choices":[]}')]).text, '{"choices":[]}');
  });
});

test('T4.43: text after 600,000 characters of a prompt or an answer is read, and a text that is cut says so', () => {
  const content = `${'a'.repeat(600_000)}NEEDLE`;
  const prompt = shown([request(chat, JSON.stringify({ messages: [{ role: 'user', content }] }))]);
  const answer = shown([request(chat), response('application/json', JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }))]);
  for (const { text, attributes } of [prompt, answer]) {
    assert.ok(text.endsWith('NEEDLE'));
    assert.equal(attributes['countersign.is_whole'], undefined);
  }
  const cut = shown([request(chat), response('text/plain', 'a'.repeat(renderedCharactersMax + 7))]);
  assert.match(cut.text.slice(-30), /a… 7 characters more$/);
  assert.equal(cut.attributes['countersign.is_whole'], false);
});

test('T4.43: an answer that is longer than what is put together says so, and each record has its own part', () => {
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'a'.repeat(1024 * 1024 - 7) } }] })}\n\n`;
  const all = [request(chat), response('text/event-stream', event), ...Array.from({ length: 16 }, () => event)];
  const { text, attributes } = shown(all);
  assert.equal(attributes['countersign.is_whole'], false);
  assert.equal(text, 'a'.repeat(1024 * 1024 - 7));
  assert.equal(shown(all.slice(0, 10)).attributes['countersign.is_whole'], undefined);
});

describe('pieces of a stream', () => {
  test('T4.20: an answer with a missing record says that it is not whole', () => {
    const event = (text: string): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
    const { attributes } = shown([request(chat), null, event('one '), event('two')]);
    assert.equal(attributes['countersign.is_whole'], false);
    assert.deepEqual(messagesIn(attributes)[0]?.parts, [{ type: 'text', content: 'two' }]);
  });

  const events = fixture('openai-chat-stream.txt')
    .toString()
    .split(/(?<=\n\n)/);
  const piecewise = (records: readonly string[]): string[] => {
    const all = [request(chat), response('text/event-stream', records[0] ?? ''), ...records.slice(1)];
    return records.map((_, i) => shown(all, i + 1).text);
  };

  test('each shows the text of the deltas it holds', () => {
    assert.deepEqual(piecewise(events), [
      '',
      'I look at ',
      'both 🌤.',
      'tool call get_weather [call_1]',
      '{"city":',
      'tool call get_weather [call_2]',
      '"Paris"}\n{"city":"Zürich"}',
      'finished: tool_calls',
      '',
      '',
    ]);
  });

  test('a call that comes whole at its end is shown once, even if its beginning was in an earlier piece', () => {
    const call = { id: 'ws_1', type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'weather' } };
    const event = (type: string, item: object): string => `data: ${JSON.stringify({ type, output_index: 0, item })}\n\n`;
    const { action, ...begun } = call;
    const pieces = [event('response.output_item.added', begun), event('response.output_item.done', call)];
    const first = response('text/event-stream', ': \n\n');
    const texts = pieces.map((_, i) => shown([request('/v1/responses'), first, ...pieces], i + 2).text);
    assert.deepEqual(texts, ['tool call by the provider web_search [ws_1]', JSON.stringify(action)]);
    assert.equal(shown([request('/v1/responses'), first, pieces.join('')], 2).text, `tool call by the provider web_search(${JSON.stringify(action)}) [ws_1]`);
  });

  test('an event that is cut shows where it ends', () => {
    const [first = '', second = '', third = ''] = events;
    const cut = second.indexOf('look');
    assert.deepEqual(piecewise([first, second.slice(0, cut), second.slice(cut) + third]), ['', '', 'I look at both 🌤.']);
    assert.deepEqual(piecewise([first.slice(0, 20), first.slice(20) + second]), ['', 'I look at ']);
  });

  test('a compressed stream is read as far as its first piece is available', () => {
    const coded = gzipSync(events.join(''));
    const pieces = cutAt(coded, [200, 320]);
    const first = response('text/event-stream', pieces[0] ?? '', 'content-encoding: gzip\r\n');
    const records = [request(chat), first, ...pieces.slice(1)];
    const texts = pieces.map((_, i) => shown(records, i + 1).text).join('');
    assert.match(texts, /I look at .*finished: tool_calls/s);
    assert.match(shown([request(chat), null, pieces[1] ?? null]).text, /^\(120 bytes that are not text\)$/);
  });

  test('what cannot be read does not go unseen', () => {
    assert.deepEqual(piecewise([`${events[1]}data: {no\n\n`, `${events[2]}data: no\n\n`, 'data: no\n\n']), [
      'assistant: I look at \n(1 event more that cannot be read)',
      'both 🌤.\n(1 event more that cannot be read)',
      'data: no\n\n',
    ]);
  });

  test('without its first piece it is read for itself', () => {
    assert.equal(shown([request(chat), null, events[1] ?? '']).text, 'I look at ');
    assert.equal(shown([request(chat), null, 'the rest of some body']).text, 'the rest of some body');
  });

  test('without its request it is shown as it is', () => {
    assert.equal(shown([null, '', 'data: {"choices":[]}\n\n']).text, 'data: {"choices":[]}\n\n');
  });
});

test('any and damaged bytes never throw', () => {
  const heads = fc.constantFrom(
    '',
    'POST /v1/messages HTTP/1.1\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n',
  );
  const contents = fc.tuple(heads, fc.uint8Array({ maxLength: 100 })).map(([head, bytes]) => Buffer.concat([Buffer.from(head), bytes]));
  fc.assert(
    fc.property(fc.array(contents, { minLength: 1, maxLength: 4 }), (records) => {
      assert.equal(typeof shown(records).text, 'string');
    }),
    { numRuns: 300 },
  );
  const damaged = fc.tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }));
  fc.assert(
    fc.property(damaged, ([sample, changes]) => {
      const records = [request(sample.path, sample.request), response('application/json', sample.answer)];
      for (const [at, byte] of changes) {
        const record = records[at % 2];
        record?.writeUInt8(byte, at % record.length);
      }
      assert.equal(typeof shown(records, 0).text + typeof shown(records, 1).text, 'stringstring');
    }),
    { numRuns: 200 },
  );
});

test('T4.19, E55: text behind an image of over 1 MiB is read, and the image is named', () => {
  const image = Buffer.alloc(1_500_000, 7);
  const content = [
    { type: 'image_url', image_url: { url: `data:image/png;base64,${image.toString('base64')}` } },
    { type: 'text', text: 'DELETE-ALL-CUSTOMERS please' },
  ];
  const whole = request(chat, JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }));
  const parts = Array.from({ length: Math.ceil(whole.length / 1_048_576) }, (_, i) => whole.subarray(i * 1_048_576, (i + 1) * 1_048_576));
  const opened = parts.map((part, seq): OpenedRecord => ({
    session: '',
    seq,
    timeMs: 0,
    kind: 'request',
    record: '',
    meta: { channel: 1, ...(seq === 0 ? {} : { request: 0 }) },
    channelFacts: null,
    governance: null,
    content: part,
    continues: seq < parts.length - 1,
    withheld: null,
  }));
  const read = opened.map((each) => render(each, (seq) => opened[seq] ?? null));
  const last = read.at(-1);
  assert.ok(parts.length > 1);
  assert.equal(last?.text, `user: [image image/png, ${image.length} bytes, sha256 ${hash('sha256', image)}]\nuser: DELETE-ALL-CUSTOMERS please`);
  assert.match(String(last.attributes['gen_ai.input.messages']), /DELETE-ALL-CUSTOMERS/);
  assert.ok(read.slice(0, -1).every(({ text }) => /^\(a part of a request, \d+ bytes/.test(text)));
});

test('T4.19: an answer in several records and an event of over 1 MiB keep what they say', () => {
  const long = 'x'.repeat(1_500_000);
  const answer = JSON.stringify({ id: 'a', choices: [{ index: 0, message: { content: `${long} end` }, finish_reason: 'stop' }] });
  const whole = shown([request(chat), response('application/json', answer.slice(0, 900_000)), answer.slice(900_000)]);
  assert.match(whole.text.slice(0, 20), /^assistant: x/);
  assert.match(String(whole.attributes['gen_ai.output.messages']), /x end/);
  const event = `data: ${JSON.stringify({ id: 'a', choices: [{ index: 0, delta: { content: `${long} end` } }] })}\n\n`;
  assert.match(String(shown([request(chat), response('text/event-stream', event)]).attributes['gen_ai.output.messages']), /x end/);
});
