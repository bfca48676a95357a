import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { createClient } from 'redis';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { commandFacts } from '../../gateway/src/protocols/redis/command-facts.ts';
import { commandTable } from '../../gateway/src/protocols/redis/command-table.ts';
import { command } from '../../gateway/src/protocols/redis/compose.ts';
import { RawClient } from '../../gateway/src/protocols/redis/testdata/raw-client.ts';
import { startRedisServer, type RedisServer } from '../../gateway/src/protocols/redis/testdata/redis-server.ts';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { python, requireProgram } from '../support/require-program.ts';
import { within } from '../support/wait-until.ts';

const policies = `
@id("readers") permit (principal == Principal::"reader", action in [Action::"redis.connect", Action::"redis.transaction"], resource);
@id("cache-only") permit (principal == Principal::"reader", action == Action::"redis.command", resource) when { context.command == "GET" && context.keyPrefix like "cache:*" };
@id("no-removal") @reason("Nothing is removed.") forbid (principal == Principal::"agent", action, resource) when { context.effects.contains("destroy") };
`;

const optionWords = 'STORE STOREDIST BY GET LIMIT KEYS STREAMS COUNT BLOCK NOACK GROUP COPY REPLACE AUTH AUTH2 WEIGHTS LEFT nosort'.split(' ');

/** Returns the words with which a command begins where what is behind them is read as options. */
function begun(name: string): readonly string[] {
  const words: Readonly<Record<string, readonly string[]>> = { xreadgroup: ['GROUP'], migrate: ['host', '6379'] };
  return [...name.split('|'), ...(words[name] ?? [])];
}

/** Runs a client of Redis. Resolves with its output and its errors. */
async function runAs(token: string, program: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, args, { env: { ...process.env, REDISCLI_AUTH: token } });
  const out = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  child.stdin.end(input);
  return (await within(out, program)).slice(0, 2).join('');
}

/** Clients of Redis, as they are, and a real server. */
describe('Redis', requireProgram('redis-server', 'redis-cli', 'redis-benchmark', 'openssl', 'python:redis'), () => {
  const parts = new AsyncDisposableStack();
  let server: RedisServer;
  let gateway: GatewayProcess;
  let token: string;

  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-redis-interop-'));
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    const file = join(directory, 'rules.cedar');
    writeFileSync(file, policies);
    server = parts.use(await startRedisServer());
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:\n  cache: { url: "redis://${server.user}@127.0.0.1:${server.port}/0", password: { env: REDIS_SECRET }, options: { users: [guest] } }\nprincipals:\n  agent: { kind: agent, targets: [cache] }\n  reader: { kind: agent, targets: [] }\npolicies: ${file}\n`,
        environment: { REDIS_SECRET: server.password },
        listeners: ['redis'],
      }),
    );
    token = await gateway.issueToken('agent');
  });
  after(async () => parts.disposeAsync());

  const address = (): string => `127.0.0.1:${gateway.port('redis')}`;
  const run = async (program: string, args: readonly string[], input = ''): Promise<string> =>
    runAs(token, program, ['-h', '127.0.0.1', '-p', String(gateway.port('redis')), ...args], input);
  /** The records of all sessions, read one after the other. */
  const everything = async (): Promise<readonly ShownRecord[]> => {
    const records: ShownRecord[] = [];
    for (const { session } of await gateway.sessions()) {
      records.push(...(await gateway.records(session)));
    }
    return records;
  };
  const open = async (principal = token, version: '2' | '3' = '2'): Promise<RawClient> => {
    const client = new RawClient(address());
    const greeting = version === '3' ? await client.ask('HELLO', '3', 'AUTH', 'cache', principal) : await client.ask('AUTH', 'cache', principal);
    assert.notEqual(greeting?.type ?? '-', '-', greeting?.text ?? 'the connection was closed');
    return client;
  };

  test('TARGET+USER logs in as another user of the server, where the configuration names it', async () => {
    await server.ask(`ACL SETUSER guest on >${server.password} ~* +get +hello`);
    assert.match(await run('redis-cli', ['--user', 'cache+guest', 'SET', 'a', 'b']), /NOPERM this user has no permissions to run the 'set' command/);
    assert.equal(await run('redis-cli', ['--user', 'cache+guest', 'GET', 'nothing']), '\n');
    assert.match(await run('redis-cli', ['--user', 'cache+root', 'GET', 'nothing']), /countersign: The user "root" is not among the users of the target cache/);
    const users = (await everything()).flatMap(({ kind, attributes }) => (kind === 'request' ? String(attributes['countersign.target.user']) : []));
    assert.deepEqual([...new Set(users)].toSorted(), ['guest', 'root']);
  });

  test('redis-cli and redis-benchmark work unchanged, in both versions of the protocol', async () => {
    assert.equal(await run('redis-cli', ['--user', 'cache', 'SET', 'cli:1', 'two words']), 'OK\n');
    assert.equal(await run('redis-cli', ['--user', 'cache', '-3', 'GET', 'cli:1']), '"two words"\n'.replaceAll('"', ''));
    const piped = await run('redis-cli', ['--user', 'cache'], 'MULTI\nINCR cli:2\nINCR cli:2\nEXEC\nDEL cli:2\n');
    assert.match(piped, /^OK\nQUEUED\nQUEUED\n1\n2\n.*NOPERM countersign: Nothing is removed \(session [0-9a-f]{32}\)/s);
    const benchmark = await run('redis-benchmark', ['--user', 'cache', '-a', token, '-q', '-t', 'set,get', '-n', '200', '-c', '4', '-P', '8']);
    assert.match(benchmark, /SET: .*requests per second[^]*GET: .*requests per second/);
  });

  test('node-redis works unchanged: commands, transactions, channels, a long value', async () => {
    const url = `redis://cache:${token}@${address()}/0`;
    const [client, listener] = [createClient({ url, RESP: 3 }), createClient({ url })];
    await Promise.all([client.connect(), listener.connect()]);
    const heard = Promise.withResolvers<string>();
    await listener.subscribe('news', (message) => {
      heard.resolve(message);
    });
    assert.equal(await client.publish('news', 'it happened'), 1);
    assert.equal(await within(heard.promise, 'the message'), 'it happened');
    const long = 'long '.repeat(200_000);
    assert.equal(await client.set('long', long), 'OK');
    assert.equal(await client.get('long'), long);
    assert.deepEqual(await client.multi().hSet('map', { a: '1', b: '2' }).hGetAll('map').exec(), [2, { a: '1', b: '2' }]);
    await Promise.all([client.close(), listener.close()]);
  });

  test('redis-py works unchanged: commands, a pipeline, channels', async () => {
    const script = `
import redis
client = redis.Redis.from_url("redis://cache:${token}@${address()}/0")
pipeline = client.pipeline()
pipeline.set("python:1", "one").incr("python:2")
channel = client.pubsub()
channel.subscribe("python")
channel.get_message(timeout=60)
client.publish("python", "said")
print(pipeline.execute(), client.get("python:1"), channel.get_message(timeout=60)["data"])
`;
    assert.equal(await runAs(token, python, ['-c', script]), "[True, 1] b'one' b'said'\n");
  });

  test('a policy allows to read keys with one beginning, and nothing else', async () => {
    const reader = await open(await gateway.issueToken('reader'));
    await server.ask('SET cache:1 warm', 'SET other:1 cold');
    assert.equal((await reader.ask('GET', 'cache:1'))?.text, 'warm');
    for (const refused of [
      ['GET', 'other:1'],
      ['MGET', 'cache:1', 'cache:2'],
      ['KEYS', 'cache:*'],
      ['EVAL', 'return redis.call("get", "other:1")', '1', 'cache:1'],
      ['SORT', 'cache:1', 'GET', 'other:*'],
    ]) {
      assert.match((await reader.ask(...refused))?.text ?? '', /^NOPERM countersign: /, refused.join(' '));
    }
    assert.equal((await reader.ask('GET', 'cache:1'))?.text, 'warm', 'answers keep their order');
    reader.close();
  });

  test('a refused command of a transaction leaves nothing done, and the connection goes on', async () => {
    const client = await open();
    client.send(Buffer.concat([command('MULTI'), command('SET', 'tx:1', 'a'), command('DEL', 'tx:2'), command('EXEC'), command('ECHO', 'on it goes')]));
    const told: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      told.push((await client.reply())?.text ?? '');
    }
    assert.match(told.join('\n'), /^OK\nQUEUED\nNOPERM countersign: Nothing is removed .*\nEXECABORT .*\non it goes$/);
    assert.match(await server.ask('EXISTS tx:1'), /:0\r\n/);
    client.close();
  });

  test('what waits at the target gets its answer when it comes, and messages come between answers', async () => {
    const [waiting, tracking, listening, other] = await Promise.all([open(), open(token, '3'), open(), open()]);
    waiting.send(Buffer.concat([command('RPUSH', 'queue:1', 'a'), command('BLMOVE', 'queue:0', 'queue:2', 'LEFT', 'RIGHT', '0'), command('ECHO', 'behind')]));
    assert.equal((await waiting.reply())?.text, '1');
    await other.ask('RPUSH', 'queue:0', 'moved');
    assert.deepEqual([(await waiting.reply())?.text, (await waiting.reply())?.text], ['moved', 'behind']);

    assert.equal((await tracking.ask('CLIENT', 'TRACKING', 'ON'))?.text, 'OK');
    assert.equal((await tracking.ask('GET', 'tracked:1'))?.bytes.toString(), '_\r\n');
    await other.ask('SET', 'tracked:1', 'new');
    const pushed = await tracking.reply();
    assert.deepEqual([pushed?.type, pushed?.text], ['>', 'invalidate\ntracked:1']);
    assert.equal((await tracking.ask('GET', 'tracked:1'))?.text, 'new');

    listening.send(command('SUBSCRIBE', 'one', 'two'));
    assert.deepEqual([(await listening.reply())?.text, (await listening.reply())?.text], ['subscribe\none\n1', 'subscribe\ntwo\n2']);
    await other.ask('PUBLISH', 'two', 'said');
    assert.equal((await listening.reply())?.text, 'message\ntwo\nsaid');
    assert.equal((await listening.ask('PING'))?.text, 'pong\n');
    listening.send(Buffer.concat([command('UNSUBSCRIBE'), command('ECHO', 'after')]));
    assert.deepEqual((await listening.reply())?.text.slice(0, 11), 'unsubscribe');
    assert.deepEqual((await listening.reply())?.text.slice(0, 11), 'unsubscribe');
    assert.equal((await listening.reply())?.text, 'after');
    for (const each of [waiting, tracking, listening, other]) {
      each.close();
    }
    const records = await everything();
    const asked = records.find(({ kind, content }) => kind === 'request' && content?.text === 'ECHO after');
    const answer = records.find(
      ({ kind, session, attributes }) => kind === 'response' && session === asked?.session && attributes['countersign.request'] === asked.seq,
    );
    assert.equal(answer?.content?.text, 'after', 'each answer belongs to its request');
    const ending = records.find(({ kind, content }) => kind === 'request' && content?.text === 'UNSUBSCRIBE');
    const confirmed = records.filter(
      ({ kind, session, attributes }) => kind === 'response' && session === ending?.session && attributes['countersign.request'] === ending.seq,
    );
    assert.match(confirmed.map(({ content }) => content?.text).join(), /one[^]*two|two[^]*one/, 'each confirmation belongs to its request');
  });

  test('SELECT changes the database of what is behind it, and only if the target does it', async () => {
    const client = await open();
    client.send(Buffer.concat(['1', '99', '1'].flatMap((database) => [command('SELECT', database), command('SET', 'database:1', database)])));
    const told: string[] = [];
    for (let i = 0; i < 6; i += 1) {
      told.push((await client.reply())?.text ?? '');
    }
    assert.deepEqual(told, ['OK', 'OK', 'ERR DB index is out of range', 'OK', 'OK', 'OK']);
    client.close();
    const records = await everything();
    const sets = records.filter(({ kind, content }) => kind === 'request' && content?.text?.startsWith('SET database:1') === true);
    assert.deepEqual(
      sets.map(({ attributes }) => attributes['db.namespace']),
      ['1', '1', '1'],
    );
  });

  test('a redirect of a cluster does not lead past the gateway', async () => {
    const client = await open();
    const told = await client.ask('EVAL', 'return {err="MOVED 3999 127.0.0.1:6381"}', '0');
    assert.match(told?.text ?? '', /^ERR countersign: the key is at another node of the cluster \(MOVED 3999 127\.0\.0\.1:6381\)/);
    client.close();
  });

  test('TLS on both sides', async () => {
    const [ours, theirs] = [makeCertificate(), makeCertificate()];
    await using secured = await startRedisServer({ cert: readFileSync(theirs.certificateFile, 'utf8'), key: readFileSync(theirs.keyFile, 'utf8') });
    const place = (authority: string): string =>
      `{ url: "rediss://${secured.user}@localhost:${secured.port}/0", password: { env: REDIS_SECRET }, options: { caFile: "${authority}" } }`;
    await using encrypted = await GatewayProcess.start({
      config: `tls: { cert: ${ours.certificateFile}, key: ${ours.keyFile} }\ntargets:\n  cache: ${place(theirs.certificateFile)}\n  forged: ${place(ours.certificateFile)}\nprincipals:\n  agent: { kind: agent, targets: [cache, forged] }\n`,
      environment: { REDIS_SECRET: secured.password },
      listeners: ['redis'],
    });
    const own = await encrypted.issueToken('agent');
    const cli = async (target: string): Promise<string> => {
      const at = ['-h', 'localhost', '-p', String(encrypted.port('redis')), '--tls', '--cacert', ours.certificateFile, '--user', target];
      return runAs(own, 'redis-cli', [...at, 'ECHO', 'through TLS']);
    };
    assert.equal(await cli('cache'), 'through TLS\n');
    const heard = secured.commands.length;
    assert.match(await cli('forged'), /countersign: /);
    assert.equal(secured.commands.length, heard, 'a target with another certificate hears nothing');
  });

  test('what would leave the gateway, or show what others do, is refused; the token is in no record', async () => {
    const client = await open();
    for (const each of ['MONITOR', 'PSYNC ? -1', 'RESET', `AUTH cache ${token}`, `HELLO 3 AUTH cache ${token}`, 'CLIENT REPLY OFF']) {
      client.send(`${each}\r\n`);
      assert.match((await client.reply())?.text ?? '', /^NOPERM countersign: /, each);
    }
    assert.equal((await client.ask('ACL', 'WHOAMI'))?.text, 'cache');
    client.close();
    const records = await everything();
    assert.ok(records.some(({ verdict, attributes }) => verdict === 'deny' && attributes['db.operation.name'] === 'MONITOR'));
    assert.ok(!JSON.stringify(records).includes(token));
  });

  test('a token without a target, a command before the login, and a request of HTTP get a clear end', async () => {
    const client = new RawClient(address());
    assert.match((await client.ask('GET', 'cli:1'))?.text ?? '', /^NOAUTH .*AUTH TARGET TOKEN/);
    assert.match((await client.ask('AUTH', token))?.text ?? '', /^WRONGPASS countersign: A token alone does not say which target/);
    client.close();
    for (const opened of [new RawClient(address()), await open()]) {
      opened.send('POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET stolen 1\r\n');
      assert.match((await opened.reply())?.text ?? '', /^ERR countersign: This is a request of HTTP/);
      assert.equal(await opened.reply(), null);
    }
    assert.match(await server.ask('EXISTS stolen'), /:0\r\n/);
  });

  test('commands that come byte by byte are the commands that they are', async () => {
    const client = await open();
    for (const byte of Buffer.concat([command('SET', 'bytes:1', '\r\n*1\r\n'), Buffer.from('GET "bytes\\x3a1"\r\n')])) {
      client.send(Buffer.from([byte]));
    }
    assert.equal((await client.reply())?.text, 'OK');
    assert.equal((await client.reply())?.text, '\r\n*1\r\n');
    client.close();
  });

  test('of whatever words a command is made, no key is overlooked that the server finds in it', async () => {
    const direct = new RawClient(`127.0.0.1:${server.port}`);
    await direct.ask('AUTH', server.user, server.password);
    const anyWord = fc.constantFrom('cache:a', 'cache:b', 'k', '', '0', '1', '2', '-1', '#', ...optionWords);
    const commands = [...commandTable].flatMap(([name, { keys }]) => (keys !== '' || /^(?:migrate|sort|georadius)/.test(name) ? [name] : []));
    // Fewer words that are often the same make more commands that the server understands.
    const made = fc
      .tuple(fc.constantFrom(...commands), fc.array(anyWord, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(), { maxLength: 9 }))
      .map(([name, pool, places]) => [begun(name), places.map((place) => pool[place % pool.length] ?? '')].flat());
    let understood = 0;
    await fc.assert(
      fc.asyncProperty(made, async (args) => {
        const found = await direct.ask('COMMAND', 'GETKEYS', ...args);
        if (found === null || found.type === '-' || found.bytes.toString().startsWith('*0')) {
          return;
        }
        understood += 1;
        const [name = Buffer.alloc(0), ...others] = args.map((each) => Buffer.from(each));
        const { keys, keyPrefix, effects } = commandFacts([name, ...others]);
        const theirs = found.text.split('\n');
        assert.ok(
          effects.includes('unknown') || theirs.every((key) => keys.includes(key)),
          `${args.join(' ')}: ${theirs.join(' ')}, and here ${keys.join(' ')}`,
        );
        assert.ok(theirs.every((key) => key.startsWith(keyPrefix)));
      }),
      { numRuns: 6000 },
    );
    assert.ok(understood > 1000, String(understood));
    direct.close();
  });

  test('the table of commands says of no command less than the server does', async () => {
    const direct = new RawClient(`127.0.0.1:${server.port}`);
    await direct.ask('AUTH', server.user, server.password);
    const listed = (await direct.ask('COMMAND', 'LIST'))?.text.split('\n') ?? [];
    assert.ok(listed.length > 200);
    const wrong: string[] = [];
    for (const name of listed.filter((each) => !each.startsWith('pf'))) {
      const flags = (await direct.ask('COMMAND', 'INFO', name))?.bytes.toString() ?? '';
      const effects = commandTable.get(name)?.effects;
      const has = (flag: string): boolean => flags.includes(`+${flag}\r\n`);
      const isContainer = [...commandTable.keys()].some((each) => each.startsWith(`${name}|`));
      const isKnown = isContainer || effects !== undefined;
      const saysWrite = effects === undefined || effects.some((each) => each === 'write' || each === 'unknown');
      const saysAdminister = effects === undefined || effects.some((each) => each === 'administer' || each === 'unknown');
      if (!isKnown || (has('write') && !saysWrite) || (has('admin') && !saysAdminister)) {
        wrong.push(name);
      }
    }
    assert.deepEqual(wrong, []);
    direct.close();
  });
});
