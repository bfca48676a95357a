import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import { commandFacts } from './command-facts.ts';
import { CommandReader, printCommand, type Command } from './command-reader.ts';
import { bulk, command } from './compose.ts';
import { splitLine } from './inline.ts';
import { ReplyReader, type ReplyPiece } from './reply-reader.ts';

const words = (...said: readonly string[]): Command => {
  const [name = Buffer.alloc(0), ...others] = said.map((each) => Buffer.from(each));
  return [name, ...others];
};

/** Bytes that look like the protocol and are not. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom('*', '$', '%', '>', '|', '~', '!', '=', '-1', '2', '4294967296', '99999999999', '\r\n', '\n', '+', ':', '_', '"', '\\x'),
      fc.string(),
    ),
    {
      maxLength: 40,
    },
  )
  .map((parts) => Buffer.from(parts.join('')));

/** Runs, and returns what came before an error of the gateway. Any other error fails. */
function tolerated<T>(next: () => T | null): T[] {
  const got: T[] = [];
  try {
    for (let each = next(); each !== null; each = next()) {
      got.push(each);
    }
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error));
  }
  return got;
}

/** Reads bytes in pieces of these lengths. */
function inPieces<T>(bytes: Buffer, length: number, reader: { push(bytes: Buffer): void }, next: () => T | null): T[] {
  const got: T[] = [];
  for (let at = 0; at < bytes.length; at += length) {
    reader.push(bytes.subarray(at, at + length));
    for (let each = next(); each !== null; each = next()) {
      got.push(each);
    }
  }
  return got;
}

test('of any bytes only errors of the gateway come, and pieces of replies are the bytes that came', () => {
  fc.assert(
    fc.property(hostile, (bytes) => {
      const commands = new CommandReader(1024);
      commands.push(bytes);
      tolerated(() => commands.next());
      const replies = new ReplyReader();
      replies.push(bytes);
      const pieces = tolerated(() => replies.next(16));
      const said = Buffer.concat(pieces.map((piece) => piece.bytes));
      assert.deepEqual(said, bytes.subarray(0, said.length));
    }),
    { numRuns: 3_000 },
  );
});

test('commands are the same however their bytes are cut, and are written as they were read', () => {
  const args = fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(args, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 9 }), (asked, length) => {
      const bytes = Buffer.concat(asked.map((each) => command(...each)));
      const reader = new CommandReader(1024);
      const read = inPieces(bytes, length, reader, () => reader.next());
      assert.deepEqual(Buffer.concat(read.map(printCommand)), bytes);
      assert.equal(read.length, asked.length);
    }),
  );
});

test('replies end where they end, however their bytes are cut: nested lists, maps, attributes, long strings', () => {
  const bytes = Buffer.concat([
    Buffer.from('*2\r\n*0\r\n%1\r\n+a\r\n:1\r\n'),
    Buffer.from('|1\r\n+ttl\r\n:3\r\n$3\r\nabc\r\n'),
    Buffer.from('$-1\r\n*-1\r\n_\r\n#t\r\n,1.5\r\n>2\r\n+message\r\n*1\r\n$0\r\n\r\n'),
    bulk(Buffer.alloc(5_000, 'x')),
    Buffer.from('-ERR no\r\n'),
  ]);
  for (const length of [1, 2, 7, bytes.length]) {
    for (const whole of [0, 100_000]) {
      const reader = new ReplyReader();
      const pieces = inPieces<ReplyPiece>(bytes, length, reader, () => reader.next(whole));
      assert.deepEqual(Buffer.concat(pieces.map((piece) => piece.bytes)), bytes);
      assert.equal(pieces.filter(({ ends }) => ends).length, 10, `${length} ${whole}`);
      assert.equal(pieces.filter(({ begins }) => begins).length, 10);
    }
  }
});

test('hostile lengths, depths and counts are refused before anything is kept', () => {
  for (const said of [
    '*100001\r\n',
    '*1\r\n$1025\r\n',
    '*1\r\n$-1\r\n',
    '*1\r\n$+1\r\n',
    '*01\r\n',
    '*1\r\n:1\r\n',
    '*1\r\n$1\r\nabc',
    'SET "a\r\n',
    'x'.repeat(70_000),
  ]) {
    const reader = new CommandReader(1024);
    reader.push(Buffer.from(said));
    assert.throws(() => reader.next(), GatewayError, said.slice(0, 30));
  }
  for (const said of ['*1\r\n'.repeat(200), '*99999999999\r\n', '$99999999999\r\n', '?\r\n', '$?\r\n', '+a\n', '$1\r\nabc']) {
    const reader = new ReplyReader();
    reader.push(Buffer.from(said));
    assert.throws(
      () => {
        while (reader.next(10) !== null) {
          // Read on.
        }
      },
      GatewayError,
      said.slice(0, 30),
    );
  }
});

test('a line has the words that Redis finds in it', () => {
  const read = (line: string): readonly string[] => splitLine(Buffer.from(line)).map((each) => each.toString('latin1'));
  assert.deepEqual(read('  SET  "a b" \'c\\\'d\' "\\x41\\n\\q" e"f"\r\n'), ['SET', 'a b', "c'd", 'A\nq', 'ef']);
  assert.deepEqual(read('\r\n'), []);
  for (const wrong of ['"a"b', '"a', "'a\\'"]) {
    assert.throws(() => splitLine(Buffer.from(wrong)), GatewayError, wrong);
  }
});

test('effects and keys of commands', () => {
  const facts = (line: string): string => {
    const { name, effects, keys, keyPrefix, isElsewhere } = commandFacts(words(...line.split(' ')));
    return `${name}: ${effects.join(' ')} [${keys.join(' ')}] ${keyPrefix}${isElsewhere ? ', elsewhere' : ''}`;
  };
  assert.deepEqual(
    [
      'get cache:1',
      'MGET cache:1 cache:22 cat',
      'MSET a 1 b 2',
      'SET k GET',
      'SET k v EX 1 GET',
      'GETEX k',
      'GETEX k EX 1',
      'ZUNIONSTORE dst 2 a b',
      'XREAD COUNT 1 STREAMS s1 s2 0 0',
      'BLPOP q1 q2 0',
      'SORT l',
      'SORT l BY w_* STORE dst',
      'SORT l STORE dst',
      'EVAL return 2 a b c',
      'EVAL_RO return 1 a',
      'ZUNION 9 a',
      'CONFIG SET dir /',
      'CONFIG NEW',
      'JSON.SET a . 1',
      'FLUSHALL',
      'FLUSHDB',
      'MOVE k 5',
      'COPY k k2 DB 5',
      'COPY k db',
      'SWAPDB 0 1',
      'PUBLISH news x',
      'PSUBSCRIBE news.*',
      'XREADGROUP GROUP streams c STREAMS secret >',
      'MIGRATE h 6379 secret 0 1 AUTH2 keys cache:a',
    ].map(facts),
    [
      'GET: read [cache:1] cache:1',
      'MGET: read [cache:1 cache:22 cat] ca',
      'MSET: write [a b] ',
      'SET: write [k] k',
      'SET: read write [k] k',
      'GETEX: read [k] k',
      'GETEX: destroy read write [k] k',
      'ZUNIONSTORE: read write [a b dst] ',
      'XREAD: read [s1 s2] s',
      'BLPOP: destroy read write [q1 q2] q',
      'SORT: read [l] l',
      'SORT: read unknown write [] ',
      'SORT: read write [dst l] ',
      'EVAL: unknown [a b] ',
      'EVAL_RO: read [a] ',
      'ZUNION: read unknown [] ',
      'CONFIG SET: administer [] ',
      'null: destroy unknown write [] ',
      'null: unknown [] ',
      'FLUSHALL: destroy unknown write [] , elsewhere',
      'FLUSHDB: destroy write [] ',
      'MOVE: read unknown write [k] k, elsewhere',
      'COPY: read unknown write [k k2] k, elsewhere',
      'COPY: read write [db k] ',
      'SWAPDB: administer destroy unknown write [] , elsewhere',
      'PUBLISH: write [news] news',
      'PSUBSCRIBE: read [news.*] ',
      'XREADGROUP: read write [secret] secret',
      'MIGRATE: administer destroy read write [secret] secret',
    ],
  );
});
