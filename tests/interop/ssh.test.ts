import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import ssh2 from 'ssh2';
import { newKey } from '../../gateway/src/protocols/ssh/testdata/new-key.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { runProgram, type RunResult } from '../support/run.ts';
import { python } from '../support/require-program.ts';
import { requireSshServer, startSshServer, type SshServer } from '../support/ssh-server.ts';
import { waitUntil, within } from '../support/wait-until.ts';

/** Whatever destroys is denied, and so is what a shell would make of other commands. */
const policy = `@id("no-destroying")
@reason("Nothing is destroyed here.")
forbid (principal, action == Action::"ssh.exec", resource == Target::"host")
when { context.effects.contains("destroy") };
@id("no-shells")
@reason("Run commands instead of a shell.")
forbid (principal, action == Action::"ssh.shell", resource == Target::"keyed");
@id("no-root")
@reason("As root nobody comes in.")
forbid (principal, action in Action::"ssh", resource == Target::"keyed") when { context.user == "root" };
@id("masked") @mask("email") @mask_request("email")
permit (principal == Principal::"masked", action in Action::"ssh", resource == Target::"host");
@id("no-tunnels")
@reason("Not there.")
forbid (principal == Principal::"agent", action == Action::"ssh.forward", resource == Target::"tunnel") when { context.destination like "localhost:*" };
@id("no-input")
@reason("Nothing is typed here.")
forbid (principal, action == Action::"ssh.input", resource == Target::"mute");
`;

describe('OpenSSH through the gateway', requireSshServer(), () => {
  let server: SshServer;
  let gateway: GatewayProcess;
  let directory: string;
  let token: string;
  const own = newKey();
  before(async () => {
    server = await startSshServer();
    directory = mkdtempSync(join(tmpdir(), 'countersign-ssh-'));
    const askpass = join(directory, 'askpass');
    writeFileSync(askpass, '#!/bin/sh\nprintf "%s\\n" "$TOKEN"\n');
    chmodSync(askpass, 0o755);
    writeFileSync(join(directory, 'policy.cedar'), policy);
    const place = (more: string): string => `url: "ssh://deploy@127.0.0.1:${server.port}", ${more}`;
    const pinned = `options: { hostKeys: ["${server.hostKey}"] }`;
    const other = `options: { hostKeys: ["ssh-ed25519 ${Buffer.alloc(51, 7).toString('base64')}"] }`;
    gateway = await GatewayProcess.start({
      listeners: ['ssh'],
      environment: { HOST_PASSWORD: server.password, HOST_KEY: server.userKey },
      config: `targets:
  host: { ${place(`password: { env: HOST_PASSWORD }, ${pinned}`)} }
  keyed: { ${place(`password: { env: HOST_KEY }, ${pinned.replace(' }', ', users: [root] }')}`)} }
  mute: { ${place(`password: { env: HOST_PASSWORD }, ${pinned}`)} }
  tunnel: { ${place(`password: { env: HOST_PASSWORD }, ${pinned.replace(' }', ', forwards: any }')}`)} }
  moved: { ${place(`password: { env: HOST_PASSWORD }, ${other}`)} }
principals:
  agent: { kind: agent, targets: [host, keyed, mute, tunnel, moved] }
  masked: { kind: agent, targets: [] }
  ann: { kind: human, targets: [host], sshKeys: ["${own.public}"] }
policies: ${join(directory, 'policy.cedar')}
`,
    });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    rmSync(directory, { recursive: true, force: true });
    await gateway[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const options = (): string[] => [
    '-F',
    'none',
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    `UserKnownHostsFile=${join(directory, 'known')}`,
    '-o',
    'LogLevel=ERROR',
  ];
  const asking = (secret: string): Record<string, string> => ({ SSH_ASKPASS: join(directory, 'askpass'), SSH_ASKPASS_REQUIRE: 'force', TOKEN: secret });
  /** A program that gives the token to the gateway, and the password to a server behind it. */
  const bothAskpass = (): string => {
    const file = join(directory, 'both');
    writeFileSync(file, `#!/bin/sh\ncase "$1" in *deploy@behind*) echo '${server.password}' ;; *) echo "$TOKEN" ;; esac\n`);
    chmodSync(file, 0o755);
    return file;
  };
  interface Given {
    readonly input?: string;
    readonly secret?: string;
    readonly environment?: Readonly<Record<string, string>>;
  }
  /** Runs ssh through the gateway. The words after `--` are the command. */
  const ssh = async (target: string, words: readonly string[], { input, secret = token, environment = {} }: Given = {}): Promise<RunResult> => {
    const at = words.indexOf('--');
    const [flags, command] = at < 0 ? [[], words] : [words.slice(0, at), words.slice(at + 1)];
    const all = [...flags, ...options(), '-p', String(gateway.port('ssh')), `${target}@127.0.0.1`, ...command];
    return runProgram('ssh', all, { ...asking(secret), ...environment }, input ?? '');
  };
  /** Runs ssh past the gateway. */
  const around = async (command: string, input: string): Promise<RunResult> =>
    runProgram('ssh', [...options(), '-p', String(server.port), 'deploy@127.0.0.1', command], asking(server.password), input);
  const newest = async (): Promise<ShownRecord[]> => gateway.records((await gateway.newest()).session);
  const textsOf = (records: readonly ShownRecord[], kind: string, action?: string): string =>
    records
      .filter((record) => record.kind === kind && (action === undefined || record.action === action))
      .map(({ content }) => content?.text ?? '')
      .join('');

  test('exec: output, error output, input and exit status are as without the gateway, and recorded', async () => {
    const command = 'echo out; echo err >&2; cat; exit 7';
    const input = 'from the client: ä\n';
    const ran = await ssh('host', [command], { input });
    assert.deepEqual(ran, { status: 7, stdout: `out\n${input}`, stderr: 'err\n' });
    assert.deepEqual(ran, await around(command, input));
    const records = await newest();
    const exec = records.find(({ action }) => action === 'ssh.exec');
    assert.equal(exec?.content?.text, command);
    assert.equal(exec.principal, 'agent');
    assert.deepEqual(exec.attributes['countersign.effects'], ['unknown']);
    assert.ok(textsOf(records, 'request', 'ssh.input').startsWith(input));
    const answers = records.filter(({ kind, attributes }) => kind === 'response' && attributes['countersign.request'] === exec.seq);
    const said = (isError: boolean): string =>
      answers
        .filter(({ attributes }) => (attributes['log.iostream'] === 'stderr') === isError)
        .map(({ content }) => content?.text ?? '')
        .join('');
    assert.ok(said(false).includes(`out\n`) && said(false).includes(input), said(false));
    assert.equal(said(true), 'err\n');
    assert.equal(answers.find(({ attributes }) => 'process.exit.code' in attributes)?.attributes['process.exit.code'], 7);
  });

  test('a program that a signal ends, and one that prints much and reads much', async () => {
    assert.deepEqual(await ssh('host', ['kill -TERM $$']), await around('kill -TERM $$', ''));
    const input = 'x'.repeat(3_000_000);
    const { stdout } = await ssh('host', ['tee /dev/stderr 2>/dev/null | sha256sum; head -c 5000000 /dev/zero | tr "\\0" y'], { input });
    assert.equal(stdout.slice(0, 64), hash('sha256', input));
    assert.equal(stdout.slice(stdout.indexOf('y')), 'y'.repeat(5_000_000));
  });

  test('D39: where policy masks texts, somebody works in a shell: what is typed is echoed key by key, and a value keeps its columns', async () => {
    writeFileSync(join(server.home, 'people.txt'), 'to ada.lovelace@example.com | done\n');
    const client = new ssh2.Client();
    client.on('error', () => undefined);
    const ready = once(client, 'ready');
    client.connect({ host: '127.0.0.1', port: gateway.port('ssh'), username: 'host', password: await gateway.issueToken('masked'), readyTimeout: 0 });
    await ready;
    const shell = await new Promise<ssh2.ClientChannel>((resolve, reject) => {
      client.shell({ term: 'xterm' }, {}, (error, channel) => {
        if (error === undefined) {
          resolve(channel);
        } else {
          reject(error);
        }
      });
    });
    const closed = once(shell, 'close');
    let said = '';
    shell.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    const saw = async (words: string): Promise<void> => waitUntil(() => said.includes(words));
    const stopsAt = async (words: string): Promise<void> => waitUntil(() => said.endsWith(words));
    shell.write("PS1='now> '\r");
    await stopsAt('now> ');
    for (const [at, key] of Array.from('cat people.txt').entries()) {
      shell.write(key);
      await stopsAt(`now> ${'cat people.txt'.slice(0, at + 1)}`);
    }
    shell.write('\r');
    await saw(`to ${'[email]'.padEnd('ada.lovelace@example.com'.length, '*')} | done`);
    shell.write('echo bob@example.com\r');
    await closed;
    assert.match(said, /countersign: .*those of input cannot be changed/);
    assert.ok(!said.includes('lovelace@') && !said.includes('bob@example.com'), said);
    const records = JSON.stringify(await newest());
    assert.ok(!records.includes('ada.lovelace@example.com') && !records.includes('bob@example.com'));
    client.end();
  });

  test('output and error output that both waited for the window of the client come once, and whole', async () => {
    const client = new ssh2.Client();
    client.on('error', () => undefined);
    const ready = once(client, 'ready');
    client.connect({ host: '127.0.0.1', port: gateway.port('ssh'), username: 'host', password: token, readyTimeout: 0 });
    await ready;
    const bytes = 6 * 1024 * 1024;
    const { promise, resolve, reject } = Promise.withResolvers<ssh2.ClientChannel>();
    client.exec(`head -c ${bytes} /dev/zero | tr '\\0' a; head -c ${bytes} /dev/zero | tr '\\0' b >&2; echo end`, (error, channel) => {
      if (error === undefined) {
        resolve(channel);
      } else {
        reject(error);
      }
    });
    const stream = await promise;
    const ended = Promise.all([once(stream, 'close'), once(stream.stderr, 'end')]);
    const said = { out: '', err: '' };
    // Until something is read, the target fills the window: first with output, then with error output.
    await waitUntil(() => stream.readableLength >= 2 * 1024 * 1024);
    stream.on('data', (piece: Buffer) => (said.out += piece.toString()));
    await waitUntil(() => said.out.length >= bytes && stream.stderr.readableLength > 0);
    stream.stderr.on('data', (piece: Buffer) => (said.err += piece.toString()));
    await within(ended, 'the end of the command');
    assert.ok(said.out === `${'a'.repeat(bytes)}end\n`, `${said.out.length} bytes of output`);
    assert.ok(said.err === 'b'.repeat(bytes), `${said.err.length} bytes of error output`);
    client.end();
  });

  test('old algorithms are refused', async () => {
    const ways = [
      'KexAlgorithms=diffie-hellman-group14-sha1',
      'KexAlgorithms=diffie-hellman-group16-sha512',
      'Ciphers=aes128-cbc',
      'Ciphers=chacha20-poly1305@openssh.com',
      'HostKeyAlgorithms=ssh-rsa',
      'HostKeyAlgorithms=rsa-sha2-512',
    ];
    for (const way of ways) {
      const { status, stderr } = await ssh('host', ['-o', 'LogLevel=INFO', '-o', way, '--', 'true']);
      assert.equal(status, 255, way);
      assert.match(stderr, /no matching/, way);
    }
    const { status, stderr } = await ssh('host', ['-o', 'LogLevel=INFO', '-o', 'Ciphers=aes128-ctr', '-o', 'MACs=hmac-sha1', '--', 'true']);
    assert.equal(status, 255);
    assert.match(stderr, /no matching MAC/);
  });

  test('the gateway logs in with a private key too', async () => {
    assert.deepEqual(await ssh('keyed', ['echo $USER']), { status: 0, stdout: 'deploy\n', stderr: '' });
    assert.match(server.log(), /Accepted publickey for deploy/);
  });

  test('a command that policy denies does not run, and the client is told', async () => {
    const file = join(server.home, 'kept');
    writeFileSync(file, '');
    const { status, stdout, stderr } = await ssh('host', [`rm -f ${file}`]);
    assert.equal(status, 126);
    assert.equal(stdout, '');
    assert.match(stderr, /^countersign: .*Nothing is destroyed here.* \(session [0-9a-f]{32}\)\n$/);
    assert.ok(existsSync(file));
    const denied = (await newest()).find(({ verdict }) => verdict === 'deny');
    assert.equal(denied?.content?.text, `rm -f ${file}`);
    assert.equal(denied.attributes['process.executable.name'], 'rm');
    assert.deepEqual(denied.attributes['countersign.effects'], ['destroy', 'write']);
  });

  test('a shell with a terminal', async () => {
    const { status, stdout } = await ssh('host', ['-tt', '--'], { input: 'tty; echo $((6*7))\nexit 3\n' });
    assert.equal(status, 3);
    assert.match(stdout, /\/dev\/pts\/\d+\r\n42\r\n/);
    const records = await newest();
    const shell = records.find(({ action }) => action === 'ssh.shell');
    assert.deepEqual(shell?.attributes['countersign.effects'], ['unknown']);
    assert.equal(shell.attributes['process.interactive'], true);
    assert.match(textsOf(records, 'request', 'ssh.input'), /^tty; echo \$\(\(6\*7\)\)\nexit 3\n/);
    assert.ok(textsOf(records, 'response').includes('42\r\n'));
  });

  test('C27: policy may forbid shells, in which anything can be concealed, and allow commands', async () => {
    const { status, stdout } = await ssh('keyed', ['-tt', '--'], { input: 'exit\n' });
    assert.equal(status, 126);
    assert.match(stdout, /countersign: .*Run commands instead of a shell/);
    assert.equal((await ssh('keyed', ['pwd'])).status, 0);
  });

  test('input that policy denies reaches nothing', async () => {
    const file = join(server.home, 'typed');
    const { status, stderr } = await ssh('mute', [`cat > ${file}`], { input: 'typed' });
    assert.equal(status, 126);
    assert.match(stderr, /Nothing is typed here/);
    // The command may have been ended before it had made the file.
    assert.equal(existsSync(file) ? readFileSync(file, 'utf8') : '', '');
    assert.deepEqual(await ssh('mute', ['echo said']), { status: 0, stdout: 'said\n', stderr: '' });
  });

  test('a target with another key than the pinned one is not logged in to', async () => {
    const logged = server.log().length;
    const { status, stderr } = await ssh('moved', ['true']);
    assert.equal(status, 255);
    assert.match(stderr, /countersign: The target showed another key/);
    assert.doesNotMatch(server.log().slice(logged), /Accepted/);
  });

  test('policy says as which users of the target somebody may come', async () => {
    const { status, stderr } = await ssh('keyed+root', ['true']);
    assert.equal(status, 255);
    assert.match(stderr, /As root nobody comes in/);
    const denied = await newest();
    assert.deepEqual(
      denied
        .filter(({ action }) => action?.startsWith('ssh.') === true)
        .map(({ action, verdict, attributes }) => [action, verdict, attributes['countersign.target.user']]),
      [
        ['ssh.connect', 'deny', 'root'],
        ['ssh.exec', 'deny', 'root'],
      ],
    );
    assert.equal((await ssh('keyed+deploy', ['true'])).status, 0);
    const unknown = await ssh('keyed+nobody', ['true']);
    assert.match(unknown.stderr, /The user "nobody" is not among the users of the target keyed/);
  });

  test('another token is refused', async () => {
    const { status, stderr } = await ssh('host', ['-o', 'LogLevel=INFO', '--', 'true'], { secret: `${token.slice(0, -4)}0000` });
    assert.equal(status, 255);
    assert.match(stderr, /countersign: .*[Tt]oken/);
    assert.match(stderr, /Permission denied|closed|disconnect/i);
    const elsewhere = await ssh('nowhere', ['-o', 'LogLevel=INFO', '--', 'true']);
    assert.match(elsewhere.stderr, /countersign: .*nowhere/);
  });

  test('C26: forwards, an agent and a display are refused, and recorded as that', async () => {
    const elsewhere = `127.0.0.1:${server.port}`;
    const ways = [
      { flags: ['-W', elsewhere, '--'], reason: /the option forwards of the target does not name 127\.0\.0\.1/, status: 255 },
      { flags: ['-R', `0:${elsewhere}`, '--', 'true'], reason: /tcpip-forward/, status: 0 },
      { flags: ['-Y', '--', 'true'], reason: /x11-req/, status: 0 },
    ];
    for (const { flags, reason, status } of ways) {
      const ran = await ssh('host', flags, { environment: { DISPLAY: ':9' } });
      assert.equal(ran.status, status, `${flags.join(' ')}: ${ran.stderr}`);
      const denied = (await newest()).filter(({ verdict }) => verdict === 'deny');
      assert.equal(denied.length, 1, flags.join(' '));
      assert.match(String(denied[0]?.attributes['countersign.reason']), reason);
    }
    const words = [...options(), '-A', '-p', String(gateway.port('ssh')), 'host@127.0.0.1', 'echo "agent: $SSH_AUTH_SOCK"'];
    assert.deepEqual(await runProgram('ssh-agent', ['ssh', ...words], asking(token)), { status: 0, stdout: 'agent: \n', stderr: '' });
    assert.match(String((await newest()).find(({ verdict }) => verdict === 'deny')?.attributes['countersign.reason']), /auth-agent-req/);
  });

  test('C26: a forward to a place that the target names is decided on and recorded, and goes both ways until each side has ended it', async () => {
    const echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('data', (bytes) => socket.write(`said ${bytes.toString()}`));
      socket.on('end', () => socket.end('and over'));
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const through = await ssh('tunnel', ['-W', `127.0.0.1:${port}`, '--'], { input: 'some bytes' });
      assert.deepEqual([through.status, through.stdout], [0, 'said some bytesand over'], through.stderr);
      const records = await newest();
      const forward = records.find(({ action }) => action === 'ssh.forward');
      assert.deepEqual([forward?.attributes['countersign.destination'], forward?.attributes['countersign.effects']], [`127.0.0.1:${port}`, ['unknown']]);
      assert.match(textsOf(records, 'request', 'ssh.input'), /some bytes/);
      assert.match(textsOf(records, 'response'), /said some bytes/);
      for (const [place, reason] of [
        [`localhost:${port}`, /Not there/],
        ['127.0.0.1:1', /could not connect there/],
      ] as const) {
        const failed = await ssh('tunnel', ['-W', place, '--'], { input: 'x' });
        assert.deepEqual([failed.status, failed.stdout], [255, ''], place);
        assert.match(JSON.stringify(await newest()), reason);
      }
      const jump = await runProgram(
        'ssh',
        [
          ...options(),
          '-o',
          `ProxyCommand=ssh ${options().join(' ')} -p ${gateway.port('ssh')} -W 127.0.0.1:${server.port} tunnel@127.0.0.1`,
          'deploy@behind',
          'echo "behind"',
        ],
        { ...asking(token), SSH_ASKPASS: bothAskpass() },
        '',
      );
      assert.equal(jump.stdout, 'behind\n', jump.stderr);
    } finally {
      echo.close();
    }
  });

  test('a client sets variables of its language and of no other kind', async () => {
    const { stdout } = await ssh('host', ['-o', 'SetEnv=LC_TEST=yes COUNTERSIGN_TEST=no', '--', 'echo "$LC_TEST,$COUNTERSIGN_TEST"']);
    assert.equal(stdout, 'yes,\n');
    assert.equal((await newest()).find(({ verdict }) => verdict === 'deny')?.content?.text, 'COUNTERSIGN_TEST=no');
  });

  test('paramiko: two channels in one connection, a terminal that changes its size; the terminal is exported for players', async () => {
    const script = `
import paramiko, sys
connection = paramiko.Transport(('127.0.0.1', int(sys.argv[1])))
connection.connect(username='host', password=sys.argv[2])
terminal = connection.open_session()
terminal.get_pty('xterm', 100, 30)
terminal.exec_command('stty size; read line; stty size; echo "ä: $line"; exit 5')
said = b''
while b'30 100' not in said:
    said += terminal.recv(1)
other = connection.open_session()
other.exec_command('echo other')
print(other.makefile().read().decode(), other.recv_exit_status())
terminal.resize_pty(120, 40)
terminal.sendall('typed\\n')
while True:
    more = terminal.recv(1000)
    if not more:
        break
    said += more
print(said, terminal.recv_exit_status())
connection.close()
`;
    const { status, stdout, stderr } = await runProgram(python, ['-c', script, String(gateway.port('ssh')), token], {});
    assert.equal(status, 0, stderr);
    const [other, code, said] = stdout.split('\n');
    assert.deepEqual([other, code], ['other', ' 0']);
    assert.equal(said, String.raw`b'30 100\r\ntyped\r\n40 120\r\n\xc3\xa4: typed\r\n' 5`);
    const { session } = await gateway.newest();
    const cast = gateway.command(['session', 'export', session, '--asciicast']);
    assert.equal(cast.status, 0, cast.stderr);
    const [head, ...events] = cast.stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    assert.partialDeepStrictEqual(head, { version: 2, width: 100, height: 30 });
    const ofKind = (kind: string): string => events.map((event) => (Array.isArray(event) && event[1] === kind ? String(event[2]) : '')).join('');
    assert.equal(ofKind('o'), '30 100\r\ntyped\r\n40 120\r\nä: typed\r\n');
    assert.equal(ofKind('i'), 'typed\n');
    assert.equal(ofKind('r'), '120x40');
    const newer = gateway.command(['session', 'export', session, '--asciicast', '3']);
    assert.equal(newer.status, 0, newer.stderr);
    const [newHead, ...newEvents] = newer.stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    assert.partialDeepStrictEqual(newHead, { version: 3, term: { cols: 100, rows: 30 } });
    const parts = (all: readonly unknown[]): readonly unknown[] => all.map((event) => (Array.isArray(event) ? event.slice(1) : []));
    assert.deepEqual(parts(newEvents), [...parts(events), ['x', '5']]);
    const timesOf = (all: readonly unknown[]): readonly number[] => all.map((event) => (Array.isArray(event) ? Math.round(Number(event[0]) * 1000) : NaN));
    let sum = 0;
    assert.deepEqual(
      timesOf(newEvents.slice(0, -1)).map((ms) => (sum += ms)),
      timesOf(events),
      'times since the event before',
    );
    const played = gateway.command(['session', 'replay', session, '--no-wait']);
    assert.match(played.stdout, /40 120/);
  });

  test('scp copies files both ways', async () => {
    const [here, back] = [join(directory, 'here'), join(directory, 'back')];
    writeFileSync(here, 'x'.repeat(100_000));
    const there = `scp://host@127.0.0.1:${gateway.port('ssh')}/${server.home}/copied`;
    const sent = await runProgram('scp', ['-O', ...options(), here, there], asking(token));
    assert.equal(sent.status, 0, sent.stderr);
    const got = await runProgram('scp', ['-O', ...options(), there, back], asking(token));
    assert.equal(got.status, 0, got.stderr);
    assert.equal(readFileSync(back, 'utf8'), readFileSync(here, 'utf8'));
  });

  test('rsync copies a directory and then what has changed in it', async () => {
    const [here, back] = [join(directory, 'tree'), join(directory, 'tree-back')];
    mkdirSync(here);
    const files = { one: 'x'.repeat(200_000), two: 'two\n' };
    const shell = `ssh ${options().join(' ')} -p ${gateway.port('ssh')}`;
    const copy = async (from: string, to: string): Promise<void> => {
      const copied = await runProgram('rsync', ['--recursive', '--checksum', '--rsh', shell, `${from}/`, to], asking(token));
      assert.equal(copied.status, 0, copied.stderr);
    };
    const there = `host@127.0.0.1:${server.home}/tree`;
    for (const two of [files.two, 'changed\n']) {
      writeFileSync(join(here, 'one'), files.one);
      writeFileSync(join(here, 'two'), two);
      await copy(here, there);
      await copy(there, back);
      assert.deepEqual([readFileSync(join(back, 'one'), 'utf8'), readFileSync(join(back, 'two'), 'utf8')], [files.one, two]);
    }
  });

  test('a run: ssh and git find the target by its name, and the token goes to nobody else', async () => {
    const script = `set -e
ssh -F "$SSH_CONFIG" host 'git init -q repo && cd repo && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first'
git clone -q host:repo '${join(directory, 'cloned')}'
git -C '${join(directory, 'cloned')}' log --format=%s
ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile='${join(directory, 'known')}' -p ${server.port} deploy@127.0.0.1 true || echo "elsewhere: $?"
for asker in deploy@127.0.0.1 '(host@countersign-gateway) host@countersign-gateway' other@countersign-gateway; do
  printf '%s' "$("$SSH_ASKPASS" "$asker's password: ")"
done
printf 'nothing else\\n'
dirname "$SSH_CONFIG"`;
    const logged = server.log().length;
    const child = gateway.spawnCli(['run', '--as', 'agent', '--target', 'host', '--', 'sh', '-c', script]);
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    assert.equal(status, 0, stderr);
    const [commit, elsewhere, told, files = ''] = stdout.split('\n');
    assert.deepEqual([commit, elsewhere, told], ['first', 'elsewhere: 255', 'nothing else']);
    assert.match(server.log().slice(logged), /Failed password for deploy/);
    assert.ok(files !== '' && !existsSync(files), 'the files of the run are gone');
    const commands = (await newest()).filter(({ action }) => action === 'ssh.exec').map(({ content }) => content?.text ?? '');
    assert.match(commands.join('\n'), /^git init.*\n.*git-upload-pack/s);
  });

  test('through a local port of connect, ssh asks for no password', async () => {
    const child = gateway.spawnCli(['connect', 'host', '--as', 'agent']);
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const line = /ssh -p (\d+) host@127\.0\.0\.1/;
    await waitUntil(() => line.test(said));
    const [, port = ''] = line.exec(said) ?? [];
    const ran = await runProgram('ssh', [...options(), '-o', 'BatchMode=yes', '-p', port, 'anybody@127.0.0.1', 'echo $USER'], {}, '');
    assert.deepEqual(ran, { status: 0, stdout: 'deploy\n', stderr: '' });
    child.kill('SIGTERM');
    await once(child, 'exit');
  });

  test('a public key of a principal takes the place of a token, and other keys do not', async () => {
    const withKey = async (key: string): Promise<RunResult> => {
      const file = join(directory, 'key');
      writeFileSync(file, key, { mode: 0o600 });
      const words = [
        ...options(),
        '-o',
        'BatchMode=yes',
        '-o',
        'IdentitiesOnly=yes',
        '-i',
        file,
        '-p',
        String(gateway.port('ssh')),
        'host@127.0.0.1',
        'echo $USER',
      ];
      return runProgram('ssh', words, {}, '').finally(() => {
        rmSync(file);
      });
    };
    assert.deepEqual(await withKey(own.private), { status: 0, stdout: 'deploy\n', stderr: '' });
    const records = await newest();
    assert.equal(records.find(({ action }) => action === 'ssh.exec')?.principal, 'ann');
    const digest = hash('sha256', Buffer.from(own.public.split(' ')[1] ?? '', 'base64'));
    assert.equal(records.find(({ action }) => action === 'gateway.authenticate')?.attributes['countersign.client_key.sha256'], digest);
    const other = await withKey(newKey().private);
    assert.deepEqual([other.status, /Permission denied/.test(other.stderr)], [255, true]);
  });

  test('A16: a key that is offered is not proven: a signature of another key admits nobody', async () => {
    const { session } = await gateway.newest();
    const other = ssh2.utils.parseKey(newKey().private);
    const proper = ssh2.utils.parseKey(own.private);
    assert.ok(!(other instanceof Error) && !(proper instanceof Error));
    /** Shows the public key of somebody and signs with a given key. */
    const logIn = async (signer: typeof other): Promise<string> => {
      class Agent extends ssh2.BaseAgent<string> {
        override getIdentities(told: (error?: Error | null, keys?: string[]) => void): void {
          told(null, [own.public]);
        }
        override sign(_key: string, data: Buffer, ...rest: unknown[]): void {
          const told = rest.at(-1);
          if (typeof told === 'function') {
            told(null, signer.sign(data));
          }
        }
      }
      const client = new ssh2.Client();
      const outcome = new Promise<string>((resolve) => {
        client.once('ready', () => {
          resolve('admitted');
        });
        client.once('error', ({ message }) => {
          resolve(message);
        });
      });
      client.connect({ host: '127.0.0.1', port: gateway.port('ssh'), username: 'host', agent: new Agent() });
      return outcome.finally(() => {
        client.destroy();
      });
    };
    assert.match(await logIn(other), /authentication methods failed/);
    assert.equal((await gateway.newest()).session, session, 'nothing was opened');
    assert.equal(await logIn(proper), 'admitted');
  });

  test('no secret is in a record or in the log', async () => {
    const all = JSON.stringify(
      await Promise.all(gateway.rows<{ session: string }>(['session', 'list', '--all']).map(({ session }) => gateway.records(session))),
    );
    for (const secret of [server.password, token, server.userKey.slice(60, 100)]) {
      assert.ok(!all.includes(secret) && !gateway.log.includes(secret));
    }
  });
});
