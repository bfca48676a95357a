import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import { AnswerReading, composeError, composeOk, type AnswerForm } from './answer.ts';
import { answerEd25519, answerNative, answerSha2, decryptPassword, encryptPassword } from './authentication.ts';
import { capabilities, offered } from './capabilities.ts';
import { composeColumn, parseColumn, types, type Column } from './column.ts';
import { composeGreeting, composeLogin, parseGreeting, parseLogin } from './handshake.ts';
import { namesColumnsTruly } from './named-columns.ts';
import { packetCount, PacketReader, packetsOf, renumbered, type PacketPiece } from './packets.ts';
import { lengthEncoded, PayloadReader } from './payload.ts';
import { parseBinaryRow, parseTextRow } from './rows.ts';
import { parseExecution } from './statements.ts';
import { executionOf } from './testdata/raw-client.ts';

const fullPacketBytes = 0xff_ff_ff;

function readAll(reader: PacketReader, wholeBytesMax: number): PacketPiece[] {
  const pieces: PacketPiece[] = [];
  for (let piece = reader.next(wholeBytesMax); piece !== null; piece = reader.next(wholeBytesMax)) {
    pieces.push(piece);
  }
  return pieces;
}

function column(type: number, name = 'a'): Column {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt8(type, 6);
  const text = Buffer.from(name);
  return { catalog: Buffer.from('def'), schema: text, table: text, originalTable: text, name: text, originalName: text, fixed };
}

/** Reads bytes with a reader of them. Nothing but an error of the gateway may come out. */
function readsOrRefuses(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error));
  }
}

test('packets come out as they went in, however they are cut, whole or in parts', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      (payloads, cuts, first, isWhole) => {
        const sent = Buffer.concat(payloads.map((payload, at) => packetsOf(payload, (first + at) & 0xff)));
        const reader = new PacketReader();
        reader.expect(first);
        const pieces: PacketPiece[] = [];
        for (let at = 0, turn = 0; at < sent.length; turn += 1) {
          const end = at + (cuts[turn % cuts.length] ?? 1);
          reader.push(sent.subarray(at, end));
          pieces.push(...readAll(reader, isWhole ? 1_000 : 0));
          at = end;
        }
        assert.deepEqual(Buffer.concat(pieces.map(({ bytes }) => bytes)), sent);
        assert.equal(pieces.filter(({ begins }) => begins).length, payloads.length);
        assert.equal(pieces.filter(({ ends }) => ends).length, payloads.length);
        for (const [at, { head }] of pieces.filter(({ begins }) => begins).entries()) {
          assert.deepEqual(head.subarray(0, 64), Buffer.from(payloads[at] ?? []).subarray(0, 64), 'what says what it is comes together');
        }
        if (isWhole) {
          assert.deepEqual(
            pieces.map(({ payload }) => payload),
            payloads.map((payload) => Buffer.from(payload)),
          );
        }
      },
    ),
  );
});

test('A1: a payload of more than 16 MiB is in several packets, whole or in parts, and keeps its numbers', () => {
  const payload = Buffer.alloc(2 * fullPacketBytes, 'x');
  const sent = packetsOf(payload, 254);
  assert.equal(packetCount(payload.length), 3);
  assert.equal(sent.length, payload.length + 3 * 4);
  const whole = new PacketReader();
  whole.expect(254);
  whole.push(sent);
  const [piece, ...others] = readAll(whole, payload.length);
  assert.deepEqual([piece?.payload?.equals(payload), piece?.firstPacketBytes, others.length, whole.number], [true, fullPacketBytes, 0, 1]);
  for (const chunkBytes of [1_000_003, fullPacketBytes + 4]) {
    const parts = new PacketReader();
    parts.expect(254);
    const pieces: PacketPiece[] = [];
    for (let at = 0; at < sent.length; at += chunkBytes) {
      parts.push(sent.subarray(at, at + chunkBytes));
      pieces.push(...readAll(parts, 0));
    }
    assert.deepEqual([pieces.filter(({ begins }) => begins).length, pieces.filter(({ ends }) => ends).length, pieces.at(-1)?.ends], [1, 1, true]);
    const other = Buffer.concat(pieces.map((each) => renumbered(each, 5)));
    assert.ok(other.equals(packetsOf(payload, 3)), 'other numbers, the same payload');
  }
});

test('A1: a packet with another number is refused, and so is one that is longer than the limit before its bytes are there', () => {
  const reader = new PacketReader();
  reader.push(packetsOf(Buffer.from('a'), 1));
  assert.throws(() => reader.next(10), { code: 'malformed' });
  const long = new PacketReader();
  long.push(Buffer.of(0xff, 0xff, 0x7f, 0));
  assert.throws(() => long.whole(1_000, 'A command'), { code: 'limit_exceeded' });
});

test('numbers with their length are read as they were written, and what is none is refused', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (value) => {
      const reader = new PayloadReader(lengthEncoded(value));
      assert.equal(reader.lengthEncoded(), value);
      reader.finish();
    }),
  );
  for (const bytes of ['fb', 'ff', 'feffffffffffffffff', 'fc00', '']) {
    assert.throws(() => new PayloadReader(Buffer.from(bytes, 'hex')).lengthEncoded(), { code: 'malformed' }, bytes);
  }
});

test('greetings and logins are read as they were written', () => {
  const greeting = {
    version: '11.4.2-MariaDB',
    connection: 77,
    challenge: Buffer.from('abcdefghijklmnopqrst'),
    capabilities: offered >>> 0,
    charset: 45,
    plugin: 'caching_sha2_password',
  };
  assert.deepEqual(parseGreeting(composeGreeting(greeting)), greeting);
  const flags = (offered | capabilities.connectWithDatabase) >>> 0;
  const login = {
    capabilities: flags,
    charset: 8,
    user: 'shop',
    response: Buffer.from('x'),
    database: 'db',
    plugin: 'mysql_native_password',
    attributes: [['_os', 'Linux']] as const,
  };
  assert.deepEqual(parseLogin(composeLogin(login)), login);
});

test('any bytes are read or refused, and no other error comes out', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom<AnswerForm>('results', 'rows', 'done', 'text', 'columns', 'prepared'),
      fc.boolean(),
      (bytes, form, isDeprecated) => {
        const payload = Buffer.from(bytes);
        const columns = [column(253), column(types.longLong), column(types.datetime), column(types.time)];
        readsOrRefuses(() => parseGreeting(payload));
        readsOrRefuses(() => parseLogin(payload));
        readsOrRefuses(() => parseColumn(payload, true));
        readsOrRefuses(() => parseTextRow(payload, columns));
        readsOrRefuses(() => parseBinaryRow(payload, columns));
        readsOrRefuses(() => parseExecution(payload, { parameters: 3, types: null, long: new Set() }));
        const reader = new PacketReader();
        reader.push(payload);
        readsOrRefuses(() => readAll(reader, 100));
        const reading = new AnswerReading(form, isDeprecated);
        for (let at = 0; at < payload.length; at += 7) {
          readsOrRefuses(() => reading.take(payload.subarray(at, at + 7), 7));
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('A6: a target that asks for a file of the client, or goes on after its answer, is refused', () => {
  assert.throws(() => new AnswerReading('results', true).take(Buffer.from('\u00fb/etc/passwd', 'latin1'), 12), {
    code: 'malformed',
    message: /asks for a file of the client/,
  });
  const reading = new AnswerReading('results', true);
  reading.take(composeOk(), 7);
  assert.ok(reading.isOver);
  assert.throws(() => reading.take(composeOk(), 7), { code: 'malformed' });
  const failed = new AnswerReading('prepared', false);
  failed.take(composeError({ code: 1064, state: '42000', message: Buffer.from('no') }), 12);
  assert.ok(failed.isOver);
});

test('rows are written as they were read; what cannot be a value of its column becomes NULL', () => {
  const columns = [column(253), column(types.longLong), column(types.datetime), column(253)];
  const text = Buffer.from('\u0003abc\u00011\u00132026-01-02 03:04:05\u00fb', 'latin1');
  const row = parseTextRow(text, columns);
  assert.deepEqual(row.cells.map(String), ['abc', '1', '2026-01-02 03:04:05', 'null']);
  assert.deepEqual(row.compose(row.cells), text);
  assert.deepEqual(parseTextRow(row.compose([Buffer.from('***'), Buffer.from('*'), Buffer.from('*'), null]), columns).cells.map(String), [
    '***',
    'null',
    'null',
    'null',
  ]);
  const bits = Buffer.of(0, 0b10_0000);
  const number = Buffer.from('ffffffffffffffff', 'hex');
  const date = Buffer.of(7, 0xea, 7, 1, 2, 3, 4, 5);
  const binary = Buffer.concat([bits, Buffer.from('\u0003abc'), number, date]);
  const read = parseBinaryRow(binary, columns);
  assert.deepEqual(read.cells.map(String), ['abc', '-1', '2026-01-02 03:04:05', 'null']);
  assert.deepEqual(read.compose(read.cells), binary);
  const changed = parseBinaryRow(read.compose([Buffer.from('***'), Buffer.from('*'), read.cells[2] ?? null, null]), columns);
  assert.deepEqual(changed.cells.map(String), ['***', 'null', '2026-01-02 03:04:05', 'null']);
  assert.deepEqual(parseColumn(composeColumn(column(253))), column(253));
});

test('the parameters of an execution are read, and written with other texts', () => {
  const payload = executionOf(7, ['one', 'two']);
  const execution = parseExecution(payload, { parameters: 2, types: null, long: new Set() });
  assert.deepEqual(
    execution.parameters.map(({ text }) => String(text)),
    ['one', 'two'],
  );
  assert.deepEqual(execution.compose(execution.parameters.map(({ text }) => text)), payload);
  assert.deepEqual(execution.compose([Buffer.from('three'), null]), executionOf(7, ['three', 'two']));
});

test('passwords are proved as servers expect it', () => {
  const challenge = Buffer.from('12345678901234567890');
  const password = Buffer.from('secret');
  const sha1 = (...parts: readonly Buffer[]): Buffer => createHash('sha1').update(Buffer.concat(parts)).digest();
  // A server has the digest of the digest, and so it takes the answer apart.
  const stored = sha1(sha1(password));
  const mask = sha1(challenge, stored);
  const native = answerNative(password, challenge);
  assert.deepEqual(sha1(Buffer.from(native.map((byte, at) => byte ^ (mask[at] ?? 0)))), stored);
  const sha256 = (...parts: readonly Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
  const kept = sha256(sha256(password));
  const cover = sha256(kept, challenge);
  assert.deepEqual(sha256(Buffer.from(answerSha2(password, challenge).map((byte, at) => byte ^ (cover[at] ?? 0)))), kept);
  assert.equal(answerNative(Buffer.alloc(0), challenge).length + answerSha2(Buffer.alloc(0), challenge).length, 0);
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  assert.deepEqual(decryptPassword(encryptPassword(password, challenge, publicKey), challenge, privateKey), password);
  assert.equal(decryptPassword(Buffer.alloc(256, 1), challenge, privateKey), null);
});

test('Ed25519 with a password of 32 bytes is that of RFC 8032, 7.1', () => {
  const seed = Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex');
  const signature = '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';
  assert.equal(answerEd25519(seed, Buffer.from('72', 'hex')).toString('hex'), signature);
});

test('only one plain SELECT names its columns truly', () => {
  for (const sql of ['SELECT email FROM users', ' select a.b, c as d from a join e using (f) where g = ? limit 3;', 'SELECT `x` FROM v /* why */']) {
    assert.equal(namesColumnsTruly(sql), true, sql);
  }
  for (const sql of [
    'SELECT id FROM (SELECT email AS id FROM users) users',
    'WITH users AS (SELECT email AS id FROM users) SELECT id FROM users',
    'SELECT id FROM other UNION TABLE users',
    'SELECT 1UNION SELECT email FROM users',
    'SELECT id FROM (TABLE users) users',
    'SELECT 1; CALL p()',
    'SELECT id FROM other /*!UNION*/ ',
    'SELECT id FROM other /*M!100000 , x */',
    'SELECT id FROM other EXCEPT ALL VALUES (1)',
    'CALL p()',
    'EXECUTE IMMEDIATE @s',
    'HANDLER users READ FIRST',
    '/* SELECT */ SELECT id FROM other',
    'INSERT INTO t SELECT 1 RETURNING (SELECT email FROM users) AS id',
  ]) {
    assert.equal(namesColumnsTruly(sql), false, sql);
  }
});
