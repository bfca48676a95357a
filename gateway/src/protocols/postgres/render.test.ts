import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Attributes } from '../../domain/action.ts';
import type { OpenedRecord, RecordMeta, Rendering } from '../../domain/record.ts';
import { startupMessage } from './compose.ts';
import { formatValue } from './render-values.ts';
import { render } from './render.ts';
import { clientMessages, int16s, int32s, message, targetMessages } from './testdata/shorthand.ts';

/** Records of one session; those before the last are what it may look at. */
interface Given {
  readonly kind?: string;
  readonly meta?: Partial<RecordMeta>;
  readonly content: Uint8Array;
  readonly continues?: boolean;
}

function session(...records: readonly Given[]): Rendering {
  const opened = open(records);
  const last = opened.at(-1);
  assert.ok(last);
  return render(last, (seq) => opened[seq] ?? null);
}

/** Each record as it is read, in order. */
function renderings(...records: readonly Given[]): Rendering[] {
  const opened = open(records);
  return opened.map((record) => render(record, (seq) => (seq < record.seq ? (opened[seq] ?? null) : null)));
}

function open(records: readonly Given[]): OpenedRecord[] {
  return records.map(({ kind = 'request', meta = {}, content, continues = false }, seq): OpenedRecord => ({
    session: '',
    seq,
    timeMs: 0,
    kind,
    record: '',
    meta: { channel: 1, ...meta },
    channelFacts: null,
    governance: null,
    content,
    continues,
    withheld: null,
  }));
}

/** Bytes of one message or more as the records of an answer have them. */
function inParts(bytes: Buffer, ends: readonly number[], sizes: number): Given[] {
  const cuts = Array.from({ length: Math.ceil(bytes.length / sizes) }, (_, i) => i * sizes);
  return cuts.map((from, i) => {
    const end = ends.find((each) => each > from) ?? bytes.length;
    const begun = from === 0 || ends.includes(from) ? {} : { 'countersign.begun_bytes': end - from };
    return { content: bytes.subarray(from, from + sizes), meta: { request: 0, attributes: begun }, continues: i < cuts.length - 1 };
  });
}

/** As they are put together, where a record says that it goes on with a text. */
function together(parts: readonly Rendering[]): string {
  return parts
    .filter(({ text }) => text !== '')
    .reduce((all, { text, attributes }) => all + (all === '' || attributes['countersign.begun_text'] === true ? '' : '\n') + text, '');
}

describe('requests', () => {
  test('a query is its text', () => {
    const { text, attributes } = session({ meta: { action: 'postgres.query' }, content: clientMessages("Q:select 'ä'; select 2") });
    assert.equal(text, "select 'ä'; select 2");
    assert.deepEqual(attributes, { 'db.query.text': "select 'ä'; select 2" });
  });

  test('an execute is its statement with its parameters', () => {
    const { text, attributes } = session({
      meta: { action: 'postgres.execute' },
      content: clientMessages('P::select $1, $2 / B:::5,∅ / E: / S'),
    });
    assert.equal(text, 'select $1, $2\n-- $1 = 5\n-- $2 = NULL');
    assert.deepEqual(attributes, { 'db.query.text': 'select $1, $2', 'db.query.parameter.0': '5', 'db.query.parameter.1': 'NULL' });
  });

  test('statement and portal may come from earlier records', () => {
    const parse = { meta: { action: 'postgres.prepare' }, content: clientMessages('P:s:select $1 / P:t:drop table t / S') };
    const bind = {
      meta: { action: 'postgres.prepare', attributes: { 'countersign.parse': 0 } },
      content: clientMessages('B:p:s:7 / B:q:t: / H'),
    };
    const once = {
      meta: { action: 'postgres.execute', attributes: { 'countersign.parse': 0 } },
      content: clientMessages('B::s:6 / E: / S'),
    };
    const later = {
      meta: { action: 'postgres.execute', attributes: { 'countersign.bind': 1, 'countersign.parse': 0 } },
      content: clientMessages('E:p / S'),
    };
    assert.equal(session(parse, once).text, 'select $1\n-- $1 = 6');
    assert.equal(session(parse, bind, later).text, 'select $1\n-- $1 = 7');
    assert.match(session({ meta: { action: 'postgres.execute' }, content: clientMessages('B::gone: / E:') }).text, /"gone" is not in this recording/);
  });

  test('the texts for which names in a statement stand are shown with it, and whether that is sure', () => {
    const first = { meta: { action: 'postgres.prepare' }, content: clientMessages('P:a:select 1 / S') };
    const second = { meta: { action: 'postgres.execute' }, content: clientMessages('P::prepare a as select $1 / B:::7 / E: / S') };
    const long = { meta: { action: 'postgres.query' }, content: clientMessages('Q:prepare b as select 3').subarray(0, -4), continues: true };
    const named = (content: string, attributes: Attributes): Rendering =>
      session(first, second, long, {
        meta: { action: content.startsWith('Q') ? 'postgres.query' : 'postgres.execute', attributes },
        content: clientMessages(content),
      });
    const sure = named('Q:execute a', { 'countersign.named_records': ['0'] });
    assert.equal(sure.text, 'execute a\n-- a name in it stands for this text, of record 0:\nPREPARE "a": select 1');
    assert.deepEqual(sure.attributes, { 'db.query.text': 'execute a' });
    assert.equal(
      named('Q:execute a', { 'countersign.named_records': ['0', '1'], 'countersign.names_are_sure': false }).text,
      `execute a
-- it is not sure which text a name in it stands for; those that are known follow
-- a name in it may stand for this text, of record 0:
PREPARE "a": select 1
-- a name in it may stand for this text, of record 1:
prepare a as select $1
-- $1 = 7`,
    );
    assert.match(
      named('B::a: / E:', { 'countersign.named_records': ['1'] }).text,
      /^EXECUTE statement "a"\n-- a name in it stands for this text, of record 1:\nprepare a as/,
    );
    const missing = named('Q:execute a; execute b', { 'countersign.named_records': ['2', '9'] });
    assert.match(
      missing.text,
      /prepare b as selec\n-- … the rest of it is in the records after 2\n-- a name in it stands for the text of record 9, which is not at hand$/,
    );
    assert.equal(missing.attributes['countersign.is_whole'], false);
  });

  test('one record may hold both, and be an earlier one', () => {
    const both = { meta: { action: 'postgres.prepare' }, content: clientMessages('P:s:select 8 / B:p:s: / H') };
    const later = {
      meta: { action: 'postgres.execute', attributes: { 'countersign.bind': 0, 'countersign.parse': 0 } },
      content: clientMessages('E:p'),
    };
    assert.equal(session(both, later).text, 'select 8');
  });

  test('binary parameters are read by the types that the target described', () => {
    const parse = { meta: { action: 'postgres.prepare' }, content: clientMessages('P:s:select $1 / D:S:s / S') };
    const described = { kind: 'response', meta: { request: 0 }, content: targetMessages('1 / t:23 / n / Z:I') };
    const bind = message('B', '', 's', int16s(1, 1, 1), int32s(4, 42), int16s(0));
    const execute = {
      meta: { action: 'postgres.execute', attributes: { 'countersign.parse': 0 } },
      content: Buffer.concat([bind, clientMessages('E:')]),
    };
    assert.equal(session(parse, described, execute).text, 'select $1\n-- $1 = 42');
  });

  test('COPY data are text, also in pieces', () => {
    const meta = { action: 'postgres.copy', attributes: { 'countersign.begun_bytes': 3 } };
    assert.equal(session({ meta, content: Buffer.concat([Buffer.from('d\t\n'), clientMessages('d:next / c')]) }).text, 'd\t\nnext');
    assert.equal(session({ meta: { action: 'postgres.copy' }, content: clientMessages('d:beginning').subarray(0, 10) }).text, 'begin');
  });

  for (const [encoding, character, hex] of [
    ['UTF8', '語', 'e8aa9e'],
    ['SJIS', '表', '955c'],
  ] as const) {
    const facts = encoding === 'UTF8' ? {} : { 'countersign.client_encoding': encoding };
    const long = Buffer.alloc(400_000 * (hex.length / 2), hex, 'hex');
    test(`T4.43: a statement and a parameter in several records are read in all of them, in ${encoding}`, () => {
      const query = message('Q', Buffer.from("select '"), long, Buffer.from("'\0"));
      const bind = Buffer.concat([
        clientMessages('P::select $1'),
        message('B', '', '', int16s(0), int16s(1), int32s(long.length), long, int16s(0)),
        clientMessages('E: / S'),
      ]);
      for (const [action, bytes] of [
        ['query', query],
        ['execute', bind],
      ] as const) {
        const parts = inParts(bytes, [bytes.length], 100_001).map((part, i) => ({
          ...part,
          meta: i === 0 ? { action: `postgres.${action}`, attributes: facts } : { request: 0 },
        }));
        const shown = renderings(...parts);
        assert.ok(together(shown).includes(character.repeat(400_000)), action);
        assert.ok(action === 'execute' || !together(shown).includes('\uFFFD'));
        assert.match(shown[0]?.text ?? '', action === 'query' ? /^select '/ : /^PREPARE select \$1\n/);
      }
    });

    test(`T4.43: COPY data go on from record to record in whole characters, in ${encoding}`, () => {
      const data = Buffer.concat([Buffer.from('1\t'), long, Buffer.from('\n')]);
      const pieces = Array.from({ length: Math.ceil(data.length / 7001) }, (_, i) => message('d', data.subarray(i * 7001, (i + 1) * 7001)));
      const ends = pieces.map((_, i) => Buffer.concat(pieces.slice(0, i + 1)).length);
      const bytes = Buffer.concat(pieces);
      const parts = inParts(bytes, ends, 65_539).map((part) => ({
        ...part,
        meta: { action: 'postgres.copy', request: 0, attributes: { ...part.meta?.attributes, ...facts } },
      }));
      const shown = renderings({ meta: { action: 'postgres.query' }, content: clientMessages('Q:copy t from stdin') }, ...parts).slice(1);
      assert.ok(together(shown) === `1\t${character.repeat(400_000)}\n`);
      assert.equal(shown[0]?.attributes['countersign.begun_text'], undefined);
    });
  }

  test('startup, cancel, messages that execute nothing', () => {
    const packet = startupMessage(
      new Map([
        ['user', 'bot'],
        ['database', 'orders'],
      ]),
    );
    assert.equal(session({ meta: { action: 'postgres.connect' }, content: packet }).text, 'user=bot database=orders');
    assert.equal(
      session({ meta: { action: 'postgres.cancel', attributes: { 'countersign.request': 9 } }, content: Buffer.alloc(16) }).text,
      'cancel request 9',
    );
    const prepared = session({ meta: { action: 'postgres.prepare' }, content: clientMessages('P:s:select 1 / D:S:s / C:P: / S') });
    assert.equal(prepared.text, 'PREPARE "s": select 1\nDESCRIBE statement "s"\nCLOSE the unnamed portal');
  });
});

describe('responses', () => {
  test('rows, tags, errors and notices are text', () => {
    const content = targetMessages('T:id,name / D:1,ä / D:2,∅ / C:SELECT 2 / N:careful / E:42P01:no such table / A:jobs:7 / Z:I');
    assert.equal(
      session({ kind: 'response', content }).text,
      'id | name\n1 | ä\n2 | NULL\nSELECT 2\nNOTICE 00000: careful\nERROR 42P01: no such table\nNOTIFY jobs, 7',
    );
  });

  test('T4.34: the parameters told after a login have a summary, with what else was said; those told after a SET are shown', () => {
    const told = ['TimeZone', 'DateStyle', 'search_path', 'server_version'].map((name) => `S:${name}:x`);
    const few = session({ kind: 'response', content: targetMessages(told.join(' / ')) });
    assert.deepEqual([few.text.split('\n').length, few.attributes], [4, {}]);
    const login = session({ kind: 'response', content: targetMessages(`N:careful / ${told.join(' / ')} / S:is_superuser:off / Z:I`) });
    assert.equal(login.text.split('\n').length, 6);
    assert.equal(login.attributes['countersign.summary'], 'NOTICE 00000: careful\n5 parameters of the connection, server_version = x');
  });

  test('binary rows are read by the Bind’s formats and the columns of an earlier part', () => {
    const column = Buffer.concat([Buffer.from('n\0'), int32s(0), int16s(0), int32s(20), int16s(8), int32s(-1), int16s(0)]);
    const bind = message('B', '', '', int16s(0), int16s(0), int16s(1, 1));
    const value = Buffer.alloc(8);
    value.writeBigInt64BE(-5n);
    const request = {
      meta: { action: 'postgres.execute' },
      content: Buffer.concat([clientMessages('P::select n'), bind, clientMessages('E:')]),
    };
    const first = { kind: 'response', meta: { request: 0 }, content: message('T', int16s(1), column) };
    const row = message('D', int16s(1), int32s(8), value);
    const second = {
      kind: 'response',
      meta: { request: 0, attributes: { 'countersign.begun_bytes': 2 } },
      content: Buffer.concat([Buffer.from('xy'), row]),
    };
    const { text, attributes } = session(request, first, second);
    assert.equal(text, '… (the rest of a message that began before)\nxy\n-5');
    assert.equal(attributes['countersign.is_whole'], false);
  });

  test('a row that was cut into several records is shown where it ends, however it was cut', () => {
    const messages = ['T:a,b', 'D:1,first', 'D:2,second', 'C:SELECT 2'].map(targetMessages);
    const bytes = Buffer.concat(messages);
    const ends = messages.map((_, i) => Buffer.concat(messages.slice(0, i + 1)).length);
    const begunAt = (at: number): number => (ends.includes(at) ? 0 : (ends.find((end) => end > at) ?? 0) - at);
    // The head of a message is in one piece: it is held until it can be told.
    const places = Array.from(bytes.keys()).filter((at) => at >= 5 && [0, ...ends].every((start) => at <= start || at >= start + 5));
    fc.assert(
      fc.property(fc.subarray(places), (chosen) => {
        const cuts = [0, ...chosen, bytes.length];
        const parts = cuts.slice(1).map((end, i) => {
          const start = cuts[i] ?? 0;
          const meta = { request: 0, ...(start === 0 ? {} : { attributes: { 'countersign.begun_bytes': begunAt(start) } }) };
          return { kind: 'response', meta, content: bytes.subarray(start, end) };
        });
        const request = { meta: { action: 'postgres.query' }, content: clientMessages('Q:select') };
        const shown = parts.map((_, i) => session(request, ...parts.slice(0, i + 1)).text);
        assert.equal(shown.filter((text) => text !== '').join('\n'), 'a | b\n1 | first\n2 | second\nSELECT 2');
      }),
    );
  });

  test('T4.43: text after 300 KB of a value is read', () => {
    const value = `${'x'.repeat(300_000)}NEEDLE`;
    assert.ok(session({ kind: 'response', content: targetMessages(`D:${value}`) }).text.endsWith(value));
  });

  for (const [encoding, character, hex] of [
    ['UTF8', '語', 'e8aa9e'],
    ['SJIS', '表', '955c'],
    ['EUC_JP', '日', 'c6fc'],
    ['GB18030', '€𠮷', 'a2e39534b235'],
    ['SQL_ASCII', 'ö', 'c3b6'],
  ] as const) {
    test(`T4.43: a value that is longer than many records is read in parts, in ${encoding}: no character breaks, and no value is left out`, () => {
      const count = 600_000;
      const long = Buffer.alloc(count * (hex.length / 2), hex, 'hex');
      const values = [Buffer.from('before'), long, null, Buffer.from('behind')];
      const body = values.map((value) => (value === null ? int32s(-1) : Buffer.concat([int32s(value.length), value])));
      const row = message('D', int16s(values.length), ...body);
      const bytes = Buffer.concat([targetMessages('T:a,b,c,d'), row, targetMessages('D:1,2,3,4 / C:SELECT 2')]);
      const head = targetMessages('T:a,b,c,d').length;
      const ends = [head, head + row.length, head + row.length + targetMessages('D:1,2,3,4').length, bytes.length];
      const expected = `a | b | c | d\nbefore | ${character.repeat(count)} | NULL | behind\n1 | 2 | 3 | 4\nSELECT 2`;
      for (const size of [65_537, 262_147]) {
        const parts = inParts(bytes, ends, size).map((part) => ({
          ...part,
          kind: 'response',
          meta: { request: 0, attributes: { ...part.meta?.attributes, ...(encoding === 'UTF8' ? {} : { 'countersign.client_encoding': encoding }) } },
        }));
        const shown = renderings({ meta: { action: 'postgres.query' }, content: clientMessages('Q:select') }, ...parts).slice(1);
        assert.ok(together(shown) === expected);
        assert.ok(shown.every(({ attributes }) => attributes['countersign.is_whole'] !== false));
        assert.ok(
          shown.slice(1, 4).every(({ text }) => text.length > 1000),
          'each part has a part of it',
        );
      }
    });
  }

  test('T4.43: a long value that is not text is hex in each part', () => {
    const column = Buffer.concat([Buffer.from('n\0'), int32s(0), int16s(0), int32s(17), int16s(-1), int32s(-1), int16s(1)]);
    const value = Buffer.alloc(5_000_001, 'abc');
    const head = message('T', int16s(1), column);
    const row = message('D', int16s(1), int32s(value.length), value);
    const parts = inParts(Buffer.concat([head, row]), [head.length, head.length + row.length], 100_000);
    const shown = renderings({ content: clientMessages('Q:select') }, ...parts.map((part) => ({ ...part, kind: 'response' })));
    assert.ok(together(shown.slice(1)) === `n\n\\x${value.toString('hex')}`);
  });

  test('T4.43: arrays have all their items', () => {
    const items = Buffer.concat(Array.from({ length: 5000 }, (_, i) => int32s(4, i)));
    const text = formatValue(Buffer.concat([int32s(1, 0, 23, 5000, 1), items]), 1007, 1);
    assert.equal(text, `{${Array.from({ length: 5000 }, (_, i) => i).join(',')}}`);
  });

  test('rows are tables too, whatever is in them: of several statements, and where a part begins within a row', () => {
    const tables = (...of: readonly Given[]): unknown => session(...of).tables?.();
    const content = targetMessages('T:id,name / D:1,a | b / C:SELECT 1 / T:n / C:SELECT 0 / Z:I');
    assert.deepEqual(tables({ kind: 'response', content }), [
      { columns: ['id', 'name'], rows: [['1', 'a | b']] },
      { columns: ['n'], rows: [] },
    ]);
    const request = { meta: { action: 'postgres.query' }, content: clientMessages('Q:select') };
    const [head, row, rest] = [targetMessages('T:a,b'), targetMessages('D:1,∅'), targetMessages('D:2,y / C:SELECT 2')];
    const parts = [
      { kind: 'response', meta: { request: 0 }, content: Buffer.concat([head, row.subarray(0, 8)]) },
      { kind: 'response', meta: { request: 0, attributes: { 'countersign.begun_bytes': row.length - 8 } }, content: Buffer.concat([row.subarray(8), rest]) },
    ];
    assert.deepEqual(tables(request, ...parts.slice(0, 1)), [{ columns: ['a', 'b'], rows: [] }]);
    assert.deepEqual(tables(request, ...parts), [
      {
        columns: ['a', 'b'],
        rows: [
          ['1', 'NULL'],
          ['2', 'y'],
        ],
      },
    ]);
    const long = targetMessages(`D:${'x'.repeat(1_500_000)}`);
    assert.deepEqual(
      tables(request, { kind: 'response', meta: { request: 0 }, content: Buffer.concat([targetMessages('T:a'), long.subarray(0, 1_400_000)]) }),
      [],
    );
  });

  test('rows beyond the limit are only counted', () => {
    const row = targetMessages(`D:${'x'.repeat(1000)}`);
    const { text, attributes, tables } = session({ kind: 'response', content: Buffer.concat(Array.from({ length: 5000 }, () => row)) });
    assert.ok(text.length < 4_200_000);
    assert.match(text, /… \d+ lines more$/);
    assert.equal(tables?.()[0]?.rows.length, text.split('\n').length - 1);
    assert.equal(attributes['countersign.is_whole'], false);
  });
});

describe('binary values', () => {
  const double = Buffer.alloc(8);
  double.writeDoubleBE(1.5);
  const cases: readonly [string, number, Buffer][] = [
    ['t', 16, Buffer.from([1])],
    ['\\xdeadbeef', 17, Buffer.from('deadbeef', 'hex')],
    ['-2', 21, int16s(-2)],
    ['1.5', 701, double],
    ['2026-11-21', 1082, int32s(9821)],
    ['2000-01-01 00:00:01.5', 1114, int32s(0, 1_500_000)],
    ['1999-12-31 23:59:59.999999+00', 1184, int32s(-1, -1)],
    ['00:00:00.000001', 1083, int32s(0, 1)],
    ['12345.6789', 1700, int16s(3, 1, 0, 4, 1, 2345, 6789)],
    ['-0.05', 1700, int16s(1, -1, 0x4000, 2, 500)],
    ['10000', 1700, int16s(1, 1, 0, 0, 1)],
    ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 2950, Buffer.from('a0eebc999c0b4ef8bb6d6bb9bd380a11', 'hex')],
    ['{"a":1}', 3802, Buffer.from('\u0001{"a":1}')],
    ['{1,NULL}', 1007, int32s(1, 1, 23, 2, 1, 4, 1, -1)],
    ['\\x0102', 23, Buffer.from([1, 2])],
    ['\\x01', 999_999, Buffer.from([1])],
  ];
  for (const [text, type, bytes] of cases) {
    test(text, () => {
      assert.equal(formatValue(bytes, type, 1), text);
    });
  }

  test('any bytes of any type: a text', () => {
    const types = fc.constantFrom(...cases.map(([, type]) => type), 0, 25, 700, 1009, 3807);
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: 60 }), (type, bytes) => {
        assert.equal(typeof formatValue(Buffer.from(bytes), type, 1), 'string');
      }),
      { numRuns: 2000 },
    );
  });
});

test('any bytes of any record are shown somehow', () => {
  const actions = [undefined, 'connect', 'query', 'execute', 'prepare', 'copy', 'function_call', 'cancel', 'refuse'].map((name) =>
    name === undefined ? {} : { action: `postgres.${name}` },
  );
  const whole = [
    clientMessages('P:s:select 1 / B:p:s:1,∅ / E:p / D:S:s / F:1 / f:no / Q:x'),
    targetMessages('T:a,b / D:1,2 / t:23 / V:x / A:a:b / S:a:b / E:1:2'),
  ];
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc.tuple(fc.constantFrom(...whole), fc.nat(200), fc.nat(255)).map(([bytes, at, value]) => {
      const changed = Buffer.from(bytes);
      changed[at % changed.length] = value;
      return changed;
    }),
  );
  const attributes = fc.record({
    'countersign.bind': fc.integer(),
    'countersign.parse': fc.integer(),
    'countersign.begun_bytes': fc.integer(),
    'countersign.named_records': fc.array(fc.constantFrom('0', '1', 'x', '-1'), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.constantFrom('request', 'response'), fc.constantFrom(...actions), attributes, content, (kind, action, facts, bytes) => {
      const records = [{ content: whole[0] ?? bytes }, { kind, meta: { ...action, request: 0, attributes: facts }, content: bytes }];
      assert.equal(typeof session(...records).text, 'string');
    }),
    { numRuns: 2000 },
  );
});
