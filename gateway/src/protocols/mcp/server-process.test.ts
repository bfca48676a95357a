import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import { LineReader } from './line-reader.ts';
import type { ServerLimits, ServerProcess } from './server-process.ts';
import { defaultServerLimits, lineOf, openServerProcess } from './server-process.ts';

/** Short waits, so that what takes them is soon over; no test depends on how long they are. */
const limits: ServerLimits = { ...defaultServerLimits, stopMs: 100, restartFirstMs: 10, restartMaxMs: 40 };

/** Answers each line with what its program makes of it. */
const echo = `process.stdin.on('data', (piece) => process.stdout.write(piece));`;

interface Heard {
  readonly server: ServerProcess;
  readonly lines: string[];
  readonly exits: GatewayError[];
  /** Waits for so many lines, and so many exits. */
  readonly heard: (lines: number, exits?: number) => Promise<void>;
}

async function open(script: string, { environment = {}, ...changed }: Partial<ServerLimits> & { environment?: Record<string, string> } = {}): Promise<Heard> {
  const lines: string[] = [];
  const exits: GatewayError[] = [];
  const listener = { onLine: (line: Buffer) => void lines.push(line.toString()), onExit: (error: GatewayError) => void exits.push(error) };
  const server = await openServerProcess({ argv: [process.execPath, '-e', script], environment, directory: tmpdir() }, listener, { ...limits, ...changed });
  const heard = async (wantedLines: number, wantedExits = 0): Promise<void> => {
    while (lines.length < wantedLines || exits.length < wantedExits) {
      await setTimeout(5);
    }
  };
  return { server, lines, exits, heard };
}

/** One that has ended and that its parent has not taken notice of is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) {
    await setTimeout(5);
  }
}

describe('a server process', () => {
  test('is sent lines and heard in lines', async () => {
    const { server, lines, heard } = await open(echo);
    await using _ = server;
    server.send(lineOf(Buffer.from('{"a":\r\n1}')));
    server.send(Buffer.from('"ä"'));
    await heard(2);
    assert.deepEqual(lines, ['{"a":  1}', '"ä"']);
    assert.throws(() => server.send(Buffer.from('a\nb')), /one line/);
  });

  test('sees nothing of our environment but what it needs and is given', async () => {
    process.env['COUNTERSIGN_TEST_SECRET'] = 'sesame';
    const { server, lines, heard } = await open('console.log(JSON.stringify(process.env))', { environment: { API_KEY: 'k' } });
    await using _ = server;
    await heard(1);
    delete process.env['COUNTERSIGN_TEST_SECRET'];
    const seen: Record<string, string> = JSON.parse(lines[0] ?? '');
    assert.deepEqual(
      Object.keys(seen).filter((name) => !['PATH', 'HOME', 'LANG', 'API_KEY'].includes(name)),
      [],
    );
    assert.equal(seen['API_KEY'], 'k');
    assert.equal(seen['PATH'], process.env['PATH']);
  });

  test('that ends is said to have ended, and is started again', async () => {
    const { server, lines, exits, heard } = await open(
      `${echo} console.error('out of memory'); process.stdin.once('data', () => setTimeout(() => process.exit(3), 20));`,
    );
    await using _ = server;
    for (let time = 1; time <= 3; time += 1) {
      while (!trySend(server, `"${time}"`)) {
        await setTimeout(5);
      }
      await heard(time, time);
    }
    assert.deepEqual(lines, ['"1"', '"2"', '"3"']);
    assert.match(exits[0]?.message ?? '', /exit code 3/);
    assert.equal(exits[0]?.code, 'target_unreachable');
    assert.match(server.stderr, /out of memory/);
  });

  test('what it says on its standard error is kept only to its end', async () => {
    const { server, heard } = await open(`process.stderr.write('x'.repeat(100_000) + 'end', () => console.log('1'));`, { stderrBytesMax: 10 });
    await using _ = server;
    await heard(1);
    while (!server.stderr.endsWith('end')) {
      await setTimeout(5);
    }
    assert.equal(server.stderr, 'xxxxxxxend');
  });

  test('that sends a line without end is ended', async () => {
    const { server, lines, exits, heard } = await open(`setInterval(() => process.stdout.write('x'.repeat(10_000)), 1);`, { lineBytesMax: 100_000 });
    await using _ = server;
    await heard(0, 1);
    assert.equal(exits[0]?.code, 'target_unreachable');
    assert.deepEqual(lines, []);
  });

  test('D33: that does not read is not sent more than a limit', async () => {
    const { server } = await open('setInterval(() => {}, 1000);', { queuedBytesMax: 100_000 });
    await using _ = server;
    assert.throws(
      () => {
        for (let sent = 0; sent < 100; sent += 1) {
          server.send(Buffer.alloc(10_000, 'x'));
        }
      },
      (error) => error instanceof GatewayError && error.code === 'target_unreachable' && /does not read/.test(error.message),
    );
  });

  test('that cannot be started is an error of ours', async () => {
    const listener = { onLine: () => {}, onExit: () => {} };
    for (const command of [
      { argv: ['/nowhere/server'] as const, environment: {}, directory: tmpdir() },
      { argv: [process.execPath] as const, environment: {}, directory: '/nowhere' },
      { argv: ['\0'] as const, environment: {}, directory: tmpdir() },
    ]) {
      await assert.rejects(openServerProcess(command, listener, limits), (error) => error instanceof GatewayError && error.code === 'target_unreachable');
    }
  });
});

describe('the end of a server process', () => {
  test('comes with its input', async () => {
    const { server, lines, heard } = await open(`console.log(process.pid); ${echo}`, { stopMs: 60_000 });
    await heard(1);
    await server[Symbol.asyncDispose]();
    assert.ok(!isAlive(Number(lines[0])));
    assert.throws(() => server.send(Buffer.from('1')), GatewayError);
  });

  test('comes to one that does not listen, and to all that it started', async () => {
    const child = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(process.pid);`;
    const script = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' }); ${child}`;
    const { server, lines, exits, heard } = await open(script);
    await heard(2);
    assert.ok(lines.every((pid) => isAlive(Number(pid))));
    await server[Symbol.asyncDispose]();
    await Promise.all(lines.map((pid) => gone(Number(pid))));
    assert.deepEqual(exits, []);
  });

  test('takes along what it left behind', async () => {
    const child = `setInterval(() => {}, 1000); console.log(process.pid);`;
    const script = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' }); process.stdin.once('data', () => process.exit());`;
    const { server, lines, heard } = await open(script, { restartFirstMs: 60_000, restartMaxMs: 60_000 });
    await using _ = server;
    await heard(1);
    server.send(Buffer.from('1'));
    await heard(1, 1);
    await gone(Number(lines[0]));
  });

  test('does not wait for what left its group', async (t) => {
    const child = `setInterval(() => {}, 1000); console.log(process.pid);`;
    const script = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit', detached: true }); ${echo}`;
    const { server, lines, heard } = await open(script);
    await heard(1);
    t.after(() => process.kill(Number(lines[0]), 'SIGKILL'));
    await server[Symbol.asyncDispose]();
  });

  test('leaves no start behind', async () => {
    const { server, heard } = await open('process.exit(1)', { restartFirstMs: 1, restartMaxMs: 1 });
    await heard(0, 3);
    await server[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
});

function trySend(server: ServerProcess, line: string): boolean {
  try {
    server.send(Buffer.from(line));
    return true;
  } catch {
    return false;
  }
}

test('lines are the same however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '\n', 'ä', '\r', 'bc\n')), fc.integer({ min: 1, max: 5 }), (parts, pieceBytes) => {
      const bytes = Buffer.from(parts.join(''));
      const reader = new LineReader(1000);
      const lines: string[] = [];
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        lines.push(...(reader.push(bytes.subarray(at, at + pieceBytes)) ?? []).map(String));
      }
      assert.deepEqual(lines, bytes.toString().split('\n').slice(0, -1));
    }),
  );
  assert.equal(new LineReader(3).push(Buffer.from('abc\nabcd\n')), null);
  assert.equal(new LineReader(3).push(Buffer.from('abc\nabcde')), null);
  assert.equal(new LineReader(3).push(Buffer.from('abc\nabc'))?.length, 1);
});
