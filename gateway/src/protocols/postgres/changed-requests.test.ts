import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RequestChange } from '../../domain/channel.ts';
import type { Output, RequestOutput } from '../../wire/relay.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { testRelay } from './testdata/test-relay.ts';
import { clientMessages, int16s, int32s, message, targetMessages } from './testdata/shorthand.ts';

const frameBytesMax = 1024;
const stars: RequestChange = { texts: [(text) => text.replaceAll(/secret-\w+/g, '***')], obligations: [] };
const allowed = { verdict: 'allow', policies: [], policyVersion: '1', reason: '', obligations: [] } as const;

/** The two sides of a conversation in which policy changes texts of requests as `wanted` says now. Null: it changes none. */
class Conversation {
  wanted: RequestChange | null = stars;
  readonly requests: RequestOutput[] = [];
  readonly #relay = testRelay({ frameBytesMax });
  readonly #told: Uint8Array[] = [];
  closed: string | null = null;

  client(...pieces: readonly Buffer[]): this {
    for (const piece of pieces) {
      this.#relay.clientBytes(piece);
      this.#pull();
    }
    return this;
  }

  target(said: string): this {
    this.#relay.upstreamBytes(targetMessages(said));
    this.#pull();
    return this;
  }

  #pull(): void {
    for (let output = this.#relay.next(); output !== null; output = this.#relay.next()) {
      assert.ok(output.type !== 'pause');
      this.#take(output);
    }
  }

  #take(output: Output): void {
    if (output.type === 'response') {
      this.#told.push(...output.bytes);
    } else if (output.type === 'close') {
      this.closed = output.error?.code ?? output.reason;
    } else if (output.refused !== undefined) {
      assert.equal(Buffer.concat(output.bytes).length, 0, 'a request whose texts cannot be changed leaves nothing in the record');
      this.requests.push(output);
      this.#relay.decided({ ...allowed, verdict: 'deny', reason: output.refused }, this.requests.length);
    } else if (output.change !== undefined && this.wanted !== null) {
      const changed = output.change(this.wanted);
      if (changed !== null) {
        assert.ok(changed.refused !== undefined || (changed.relation?.change === this.wanted && changed.change === undefined));
        this.#take(changed);
      }
    } else {
      this.requests.push(output);
      this.#relay.decided(allowed, this.requests.length);
    }
  }

  get forwarded(): Buffer {
    return Buffer.concat(this.requests.filter(({ refused }) => refused === undefined).flatMap(({ bytes }) => bytes));
  }

  get told(): string {
    return Buffer.concat(this.#told).toString('latin1');
  }
}

/** A Bind of the unnamed statement. */
function bind(formats: readonly number[], values: readonly (Buffer | null)[], statement = ''): Buffer {
  return message('B', '', statement, int16s(formats.length, ...formats), parameters(values), int16s(0));
}

function parameters(values: readonly (Buffer | null)[]): Buffer {
  const writer = new ByteWriter().int16(values.length);
  for (const value of values) {
    writer.int32(value?.length ?? -1).bytes(value ?? Buffer.alloc(0));
  }
  return writer.finish();
}

function parse(name: string, text: string, ...types: readonly number[]): Buffer {
  return message('P', name, text, int16s(types.length), int32s(...types));
}

const executed = clientMessages('E: / S');

describe('texts that policy changes in requests', () => {
  test('the statement of a Query, whatever its encoding, and its traceparent', () => {
    const trace = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
    const said = new Conversation().client(clientMessages(`Q:select 'é secret-1' /*traceparent='${trace}'*/`));
    assert.deepEqual(said.forwarded, clientMessages(`Q:select 'é ***' /*traceparent='${trace}'*/`));
    assert.equal(said.requests[0]?.action.attributes['countersign.traceparent'], trace);
    const latin = (text: string): Buffer => message('Q', Buffer.from(`${text}\0`, 'latin1'));
    assert.deepEqual(new Conversation().client(latin("select 'é secret-1'")).forwarded, latin("select 'é ***'"));
    const wide = new Conversation();
    wide.wanted = { texts: [(text) => text.replaceAll('secret-1', '\u{2027}\0')], obligations: [] };
    assert.deepEqual(wide.client(latin("select 'é secret-1'")).forwarded, latin("select 'é ?'"));
  });

  test('all of a unit of several messages, byte by byte too; names of statements stay, and so does what nothing changes', () => {
    const unit = (word: string): Buffer =>
      Buffer.concat([
        parse('secret-name', `select '${word}', $1, $2`),
        bind([], [Buffer.from(`a ${word}`), null], 'secret-name'),
        clientMessages('D:S:secret-name'),
        executed,
      ]);
    const said = new Conversation().client(unit('secret-1'));
    assert.deepEqual(said.forwarded, unit('***'));
    assert.deepEqual(
      said.requests.map(({ action }) => action.name),
      ['postgres.execute'],
    );
    assert.deepEqual(new Conversation().client(...Array.from(unit('secret-1'), (byte) => Buffer.of(byte))).forwarded, unit('***'));
    assert.deepEqual(new Conversation().client(unit('other')).forwarded, unit('other'));
  });

  test('values of a Bind in text format; in binary format those of types that are text, and none of others', () => {
    const secret = Buffer.from('secret-1');
    const types = [25, 3802, 23, 0];
    const json = (text: string): Buffer => Buffer.concat([Buffer.of(1), Buffer.from(text)]);
    const values = (word: string): Buffer => bind([1, 1, 1, 0], [Buffer.from(word), json(`"${word}"`), Buffer.alloc(4), Buffer.from(word)], 's');
    const prepared = Buffer.concat([parse('s', 'select $1, $2, $3, $4', ...types), clientMessages('S')]);
    const said = new Conversation().client(prepared).target('1 / Z:I').client(values('secret-1'), executed);
    assert.deepEqual(said.forwarded, Buffer.concat([prepared, values('***'), executed]));
    for (const [named, value] of [
      [[], secret],
      [[17], secret],
      [[0], secret],
      [[20], Buffer.from('too long for it')],
      [[25], Buffer.from([0xff, 0xfe])],
    ] as const) {
      const refused = new Conversation().client(parse('s', 'select $1', ...named), bind([1], [value], 's'), executed);
      assert.match(refused.told, /42501.*those of a value in binary format cannot be found/s);
      assert.equal(refused.forwarded.length, 0);
    }
  });

  test('a type is that of the statement that the target has: after an error, a Parse that it skipped names none', () => {
    const binary = [bind([1], [Buffer.from('secret-1')], 's'), executed];
    const said = new Conversation().client(parse('s', 'select $1', 17), clientMessages('S')).target('1 / Z:I');
    said.client(clientMessages('Q:broken')).target('E:42601:syntax error / Z:I');
    said.client(clientMessages('P::broken / C:S:s'), parse('s', 'select $1', 25), clientMessages('S')).target('E:42601:syntax error / Z:I');
    const before = said.forwarded.length;
    assert.match(said.client(...binary).told, /those of a value in binary format cannot be found/);
    assert.equal(said.forwarded.length, before);
  });

  test('D39: a text does not pass as a value of another type, whatever the statement is by the time at which the target gets it', () => {
    const word = Buffer.from('secret-123456789');
    const said = new Conversation().client(parse('s', 'select $1', 25), clientMessages('S')).target('1 Z:I');
    // The first request fails, because the statement exists. SQL may as well make another statement of that name.
    said.client(parse('s', 'select $1', 2950), clientMessages('S'), bind([1], [word], 's'), executed);
    assert.ok(!said.forwarded.includes('secret'));
    assert.ok(said.requests.some(({ refused }) => refused?.includes('binary format')));
    const other = Buffer.from('0123456789abcdef', 'hex');
    const plain = new Conversation().client(parse('s', 'select $1', 20), bind([1], [other], 's'), executed);
    assert.ok(plain.forwarded.includes(other));
  });

  test('a statement that was prepared before policy changed requests has no known types', () => {
    const said = new Conversation();
    said.wanted = null;
    said.client(parse('s', 'select $1', 25), clientMessages('S')).target('1 / Z:I');
    said.wanted = stars;
    assert.match(said.client(bind([1], [Buffer.from('secret-1')], 's'), executed).told, /cannot be found/);
  });

  test('arguments of a function call, and none in binary format', () => {
    const call = (format: number, word: string): Buffer => message('F', int32s(952), int16s(1, format), parameters([Buffer.from(word), null]), int16s(0));
    assert.deepEqual(new Conversation().client(call(0, 'secret-1')).forwarded, call(0, '***'));
    assert.match(new Conversation().client(call(1, 'secret-1')).told, /cannot be found/);
  });

  test('a message that holds more or less than what it says is refused', () => {
    const more = (text: string): Buffer => Buffer.concat([clientMessages(text).subarray(0, -1), Buffer.from('secret-1')]);
    const longer = (bytes: Buffer): Buffer => {
      bytes.writeUInt32BE(bytes.length - 1, 1);
      return bytes;
    };
    for (const broken of [longer(more('P::select 1')), longer(more('B:::')), longer(more('F:952'))]) {
      const said = new Conversation().client(broken, clientMessages('S'));
      assert.match(said.told, /42501/);
      assert.ok(!said.forwarded.includes('secret-1'));
    }
  });

  test('a request that is longer than the limit afterwards is refused', () => {
    const said = new Conversation();
    said.wanted = { texts: [(text) => text.repeat(2)], obligations: [] };
    const text = (bytes: number): Buffer => clientMessages(`Q:${'x'.repeat(bytes)}`);
    assert.equal(said.client(text(500)).forwarded.length, 1006);
    assert.match(said.client(text(600)).target('C:SELECT 1 / Z:I / E:42601:syntax error / Z:I').told, /longer than the limit of 1024 bytes/);
  });

  test('what policy does not change passes as it came', () => {
    const said = new Conversation();
    said.wanted = null;
    const bytes = Buffer.concat([clientMessages("Q:select 'secret-1'"), bind([1], [Buffer.from('secret-1')]), executed]);
    assert.deepEqual(said.client(bytes).forwarded, bytes);
    assert.equal(said.requests[0]?.bytes[0]?.buffer, bytes.buffer, 'it is a view of the chunk, not a copy');
  });
});

describe('COPY data that policy changes', () => {
  const begun = (): Conversation => new Conversation().client(clientMessages('Q:copy t from stdin')).target('G');
  const dataOf = (said: Conversation): string =>
    said.forwarded
      .subarray(clientMessages('Q:copy t from stdin').length)
      .toString('latin1')
      .replaceAll(/[dc]\0\0..|f\0\0../gs, '');

  test('a row is changed as a whole, in however many messages and pieces it comes, and forwarded when it has ended', () => {
    const messages = Buffer.concat([
      clientMessages('d:1\tsec'),
      clientMessages('d:ret-1'),
      message('d', Buffer.from('\tx\n2\tsecret-2\n3\tsec')),
      message('d', Buffer.alloc(0)),
      message('d', Buffer.from('ret-3\n4\tsecret')),
      clientMessages('d:-4 / c'),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(messages.length), { maxLength: 12 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), messages.length];
        const said = begun().client(...places.slice(1).map((end, i) => messages.subarray(places[i], end)));
        assert.equal(dataOf(said), '1\t***\tx\n2\t***\n3\t***\n4\t***');
        assert.equal(said.requests.at(-1)?.relation?.continues, false);
        assert.ok(said.requests.slice(1).every(({ relation }) => relation?.partOf === 1));
      }),
    );
    const waiting = begun().client(clientMessages('d:1\tsec'));
    assert.equal(waiting.requests.length, 1, 'the beginning of a row is not recorded and not forwarded');
  });

  test('rows go on while a COPY is changed, also if policy changes no more of them; what begins after its end is as it came', () => {
    const said = begun().client(clientMessages('d:1\tsec'));
    said.wanted = null;
    const next = clientMessages('Q:copy t from stdin');
    said
      .client(message('d', Buffer.from('ret-1\n2\tsec')), clientMessages('c'))
      .target('C:COPY 2 / Z:I')
      .client(next)
      .target('G');
    assert.equal(dataOf(said), `1\tsecret-1\n2\tsec${next.toString('latin1')}`);
    const part = clientMessages('d:3\tsec');
    assert.deepEqual(said.client(part).requests.at(-1)?.bytes, [part]);
  });

  test('the reason for which a client ends it is a text', () => {
    assert.equal(dataOf(begun().client(clientMessages('f:no more secret-1'))), 'no more ***\0');
  });

  test('the binary format is refused, and the COPY fails', () => {
    const head = Buffer.from('PGCOPY\n\u{ff}\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
    for (const pieces of [[message('d', head)], [message('d', head.subarray(0, 7)), message('d', head.subarray(7, 10)), message('d', head.subarray(10))]]) {
      const said = begun().client(...pieces, message('d', Buffer.from('\0\x01\0\0\0\x08secret-1')), clientMessages('c'));
      assert.equal(said.requests.at(-1)?.action.name, 'postgres.refuse');
      assert.ok(!said.forwarded.includes('secret-1'));
      assert.match(said.target('E:57014:COPY failed / Z:I').told, /binary format of COPY/);
    }
  });

  test('a row whose beginning was sent before policy changed it is refused', () => {
    const cut = message('d', Buffer.from('1\tsecret-1\n'));
    for (const [before, after] of [
      [clientMessages('d:1\tsec'), message('d', Buffer.from('ret-1\n'))],
      [cut.subarray(0, 10), cut.subarray(10)],
    ] as const) {
      const said = new Conversation();
      said.wanted = null;
      said.client(clientMessages('Q:copy t from stdin')).target('G').client(before);
      said.wanted = stars;
      said.client(after, clientMessages('c'));
      assert.match(said.target('E:57014:COPY failed / Z:I').told, /the beginning of its row was sent before/);
      assert.ok(!said.forwarded.includes('ret-1'));
    }
  });

  test('a row that is too long to be held, or that another message interrupts, is refused', () => {
    const long = begun().client(message('d', Buffer.from('x'.repeat(1000))), message('d', Buffer.from('x'.repeat(1000))));
    assert.equal(long.closed, 'limit_exceeded');
    assert.equal(begun().client(clientMessages('d:1\tsec / S / d:ret-1')).closed, 'malformed');
  });

  test('after an error of the target, what is left of a row is dropped', () => {
    const said = begun().client(clientMessages('d:1\tsec')).target('E:22P02:no / Z:I').client(clientMessages('Q:select 1'));
    assert.equal(said.closed, null);
    assert.deepEqual(said.requests.at(-1)?.bytes, [clientMessages('Q:select 1')]);
  });
});
