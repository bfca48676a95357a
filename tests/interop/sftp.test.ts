import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { python } from '../support/require-program.ts';
import { runProgram, type RunResult } from '../support/run.ts';
import { requireSshServer, startSshServer, type SshServer } from '../support/ssh-server.ts';

/** An agent reads below one folder of the machine, and makes no links. On another one it destroys nothing. */
const policyOf = (home: string): string => `@id("reads-below-shared")
permit (principal == Principal::"reader", action in Action::"ssh", resource == Target::"host")
when { context.path == "" || context.path == "${home}" || context.path == "${home}/shared" || context.path like "${home}/shared/*" };
@id("only-reads")
@reason("Here you only read.")
forbid (principal == Principal::"reader", action, resource)
unless { ["read"].containsAll(context.effects) };
@id("no-destroying")
@reason("Nothing is destroyed here.")
forbid (principal, action, resource == Target::"kept")
when { context.effects.contains("destroy") };
@id("no-other-subsystems")
@reason("Only files are moved here.")
forbid (principal, action == Action::"ssh.subsystem", resource == Target::"kept")
unless { context.subsystem == "sftp" };
@id("no-links")
@reason("Links are not made here.")
forbid (principal, action == Action::"ssh.sftp.symlink", resource == Target::"kept");
`;

describe('SFTP through the gateway', requireSshServer(), () => {
  let server: SshServer;
  let gateway: GatewayProcess;
  let directory: string;
  const tokens: Record<string, string> = {};
  before(async () => {
    server = await startSshServer();
    directory = mkdtempSync(join(tmpdir(), 'countersign-sftp-'));
    writeFileSync(join(directory, 'askpass'), '#!/bin/sh\nprintf "%s\\n" "$TOKEN"\n');
    chmodSync(join(directory, 'askpass'), 0o755);
    writeFileSync(join(directory, 'policy.cedar'), policyOf(server.home));
    const place = `{ url: "ssh://deploy@127.0.0.1:${server.port}", password: { env: HOST_PASSWORD }, options: { hostKeys: ["${server.hostKey}"] } }`;
    gateway = await GatewayProcess.start({
      listeners: ['ssh'],
      environment: { HOST_PASSWORD: server.password },
      config: `targets:
  host: ${place}
  kept: ${place}
principals:
  agent: { kind: agent, targets: [host, kept] }
  reader: { kind: agent, targets: [] }
policies: ${join(directory, 'policy.cedar')}
`,
    });
    for (const principal of ['agent', 'reader']) {
      tokens[principal] = await gateway.issueToken(principal);
    }
  });
  after(async () => {
    rmSync(directory, { recursive: true, force: true });
    await server[Symbol.asyncDispose]();
    await gateway[Symbol.asyncDispose]();
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
  const asking = (principal: string): Record<string, string> => ({
    SSH_ASKPASS: join(directory, 'askpass'),
    SSH_ASKPASS_REQUIRE: 'force',
    TOKEN: tokens[principal] ?? '',
  });
  const sftp = async (commands: string, { target = 'host', principal = 'agent' } = {}): Promise<RunResult> =>
    runProgram('sftp', ['-q', ...options(), '-P', String(gateway.port('ssh')), `${target}@127.0.0.1`], asking(principal), commands);
  /** Runs a command of ours. This process serves the target meanwhile. */
  const cli = async (...words: readonly string[]): Promise<RunResult> => {
    const child = gateway.spawnCli(words);
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { status: typeof status === 'number' ? status : null, stdout, stderr };
  };
  const newest = async (): Promise<ShownRecord[]> => gateway.records((await gateway.newest()).session);
  const ofAction = (records: readonly ShownRecord[], action: string): readonly ShownRecord[] => records.filter((record) => record.action === action);
  const answerTo = (records: readonly ShownRecord[], request: ShownRecord | undefined): ShownRecord | undefined =>
    records.find(({ kind, attributes }) => kind === 'response' && attributes['countersign.request'] === request?.seq);
  const there = (name: string): string => join(server.home, name);

  test('sftp puts, gets, lists and changes files as without the gateway; each operation is on record, and a closed file has the digest of what moved', async () => {
    const [here, back] = [join(directory, 'here'), join(directory, 'back')];
    const bytes = randomBytes(3_000_001);
    writeFileSync(here, bytes);
    const { stdout, stderr, status } = await sftp(`put ${here} sent
get sent ${back}
mkdir made
rename sent made/moved
chmod 600 made/moved
symlink made/moved link
ls -l made
cd made
pwd
rm moved
cd ..
rmdir made
rm link
put ${here} left
df
`);
    assert.equal(status, 0, stdout + stderr);
    assert.deepEqual(readFileSync(back), bytes);
    assert.deepEqual(readFileSync(there('left')), bytes);
    assert.ok(!existsSync(there('made')));
    assert.match(stdout, new RegExp(`Remote working directory: ${there('made')}`));
    const records = await newest();
    const opened = ofAction(records, 'ssh.sftp.open');
    assert.deepEqual(
      opened.map(({ attributes }) => [attributes['file.path'], attributes['countersign.effects']]),
      [
        [there('sent'), ['destroy', 'write']],
        [there('sent'), ['read']],
        [there('left'), ['destroy', 'write']],
      ],
    );
    const closed = ofAction(records, 'ssh.sftp.close').map((request) => answerTo(records, request)?.attributes ?? {});
    const digest = hash('sha256', bytes);
    assert.partialDeepStrictEqual(closed, [
      {
        'file.path': there('sent'),
        'countersign.file.written.bytes': bytes.length,
        'countersign.file.written.sha256': digest,
        'countersign.file.written.ranges': [`0-${bytes.length}`],
      },
      { 'file.path': there('sent'), 'countersign.file.read.bytes': bytes.length, 'countersign.file.read.sha256': digest },
    ]);
    const effects = (action: string): unknown => ofAction(records, action)[0]?.attributes['countersign.effects'];
    assert.deepEqual(effects('ssh.sftp.remove'), ['destroy', 'write']);
    assert.deepEqual(effects('ssh.sftp.mkdir'), ['write']);
    assert.deepEqual(effects('ssh.sftp.symlink'), ['define', 'write']);
    const renamed = ofAction(records, 'ssh.sftp.rename')[0]?.attributes ?? {};
    assert.deepEqual([renamed['file.path'], renamed['countersign.file.other_path']], [there('sent'), there('made/moved')]);
    assert.equal(ofAction(records, 'ssh.subsystem')[0]?.attributes['countersign.subsystem'], 'sftp');
    assert.equal(ofAction(records, 'ssh.sftp.mkdir')[0]?.content?.text, `mkdir ${there('made')}`);
  });

  test('scp copies files both ways over SFTP', async () => {
    const [here, back] = [join(directory, 'copied'), join(directory, 'copied-back')];
    writeFileSync(here, 'x'.repeat(100_000));
    const place = `scp://host@127.0.0.1:${gateway.port('ssh')}/${server.home}/copied`;
    for (const [from, to] of [
      [here, place],
      [place, back],
    ] as const) {
      const { status, stderr } = await runProgram('scp', [...options(), from, to], asking('agent'));
      assert.equal(status, 0, stderr);
      assert.ok(ofAction(await newest(), 'ssh.sftp.open').length > 0, 'it was SFTP');
    }
    assert.equal(readFileSync(back, 'utf8'), readFileSync(here, 'utf8'));
  });

  test('a denied operation is answered in the words of policy, nothing of it reaches the target, and the next one works', async () => {
    writeFileSync(there('precious'), 'precious');
    const { stdout, stderr } = await sftp(`-rm precious\n-symlink /etc link-away\n-put ${join(directory, 'askpass')} precious\nls precious\n`, {
      target: 'kept',
    });
    assert.match(stderr, /Nothing is destroyed here/);
    assert.match(stderr, /Links are not made here/);
    assert.match(stdout, /^precious/m);
    assert.equal(readFileSync(there('precious'), 'utf8'), 'precious');
    assert.throws(() => readlinkSync(there('link-away')));
    const denied = (await newest()).filter(({ verdict }) => verdict === 'deny').map(({ action, attributes }) => [action, attributes['file.path']]);
    assert.deepEqual(denied, [
      ['ssh.sftp.remove', there('precious')],
      ['ssh.sftp.symlink', there('link-away')],
      ['ssh.sftp.open', there('precious')],
    ]);
  });

  test('a policy permits reads below one folder; a path that goes up is refused, and where it leads is told', async () => {
    mkdirSync(there('shared/deep'), { recursive: true });
    writeFileSync(there('shared/deep/file'), 'shared\n');
    writeFileSync(there('secret'), 'secret');
    const [got, not] = [join(directory, 'got'), join(directory, 'not')];
    const { stderr } = await sftp(
      `get shared/deep/file ${got}
-get secret ${not}
-ls secret
-get shared/../secret ${not}
-get /${there('shared')}/.././secret ${not}
-put ${join(directory, 'askpass')} shared/new
cd shared/deep
cd ..
-ls deep
`,
      { principal: 'reader' },
    );
    assert.equal(readFileSync(got, 'utf8'), 'shared\n');
    assert.ok(!existsSync(not) && !existsSync(there('shared/new')), stderr);
    assert.match(stderr, /the path goes up/);
    assert.match(stderr, /no policy permits|not permitted|permit/);
    const records = await newest();
    assert.ok(records.some(({ verdict, attributes }) => verdict === 'deny' && attributes['file.path'] === there('secret')));
    assert.ok(
      records.some(({ action, verdict, attributes }) => action === 'ssh.sftp.list' && verdict === 'allow' && attributes['file.path'] === there('shared/deep')),
    );
  });

  test('paramiko: many writes and reads at the same time, at any place of a file', async () => {
    const script = `
import paramiko, sys, hashlib
connection = paramiko.Transport(('127.0.0.1', int(sys.argv[1])))
connection.connect(username='host', password=sys.argv[2])
sftp = paramiko.SFTPClient.from_transport(connection)
sent = bytes(range(256)) * 8000
with sftp.open('many', 'wb') as file:
    file.set_pipelined(True)
    file.write(sent)
with sftp.open('many', 'rb') as file:
    file.prefetch()
    got = file.read()
with sftp.open('many', 'r+b') as file:
    file.seek(1000)
    file.write(b'hole')
    file.truncate(5000)
with sftp.open('many', 'rb') as file:
    parts = file.readv([(4000, 10), (0, 10)])
    parts = list(parts)
print(got == sent, sftp.stat('many').st_size, parts, sftp.normalize('.'), sorted(sftp.listdir('.'))[:0])
try:
    sftp.open('absent')
except IOError as error:
    print(error.errno)
connection.close()
`;
    const { status, stdout, stderr } = await runProgram(python, ['-c', script, String(gateway.port('ssh')), tokens['agent'] ?? ''], {});
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^True 5000 \[b'.*', b'.*'\] \S+\/home \[\]\n2$/m);
    const records = await newest();
    const written = ofAction(records, 'ssh.sftp.close').map((request) => answerTo(records, request)?.attributes['countersign.file.written.ranges'] ?? null);
    assert.deepEqual(written, [[`0-2048000`], null, ['1000-1004'], null, null]);
  });

  test('another subsystem is decided by its name, and passed on if it is allowed', async () => {
    const netconf = async (target: string): Promise<RunResult> =>
      runProgram('ssh', [...options(), '-p', String(gateway.port('ssh')), '-s', `${target}@127.0.0.1`, 'netconf'], asking('agent'), '<hello/>');
    assert.deepEqual(await netconf('host'), { status: 0, stdout: '<hello/>', stderr: '' });
    const [opened] = ofAction(await newest(), 'ssh.subsystem');
    assert.deepEqual([opened?.attributes['countersign.subsystem'], opened?.attributes['countersign.effects']], ['netconf', ['unknown']]);
    const { status, stdout, stderr } = await netconf('kept');
    assert.deepEqual([status, stdout], [126, '']);
    assert.match(stderr, /Only files are moved here/);
  });

  test('a served recording answers the operations that it has, and no others', async () => {
    writeFileSync(there('replayed'), 'x'.repeat(200_000));
    const [first, again] = [join(directory, 'first'), join(directory, 'again')];
    const script = (to: string, more = ''): string =>
      `printf 'cd shared\\ncd ..\\nls -l replayed\\nget replayed ${to}\\n${more}' | sftp -q -F "$SSH_CONFIG" host`;
    const recorded = await cli('run', '--as', 'agent', '--target', 'host', '--', 'sh', '-c', script(first));
    assert.equal(recorded.status, 0, recorded.stderr);
    const { session } = await gateway.newest();
    rmSync(there('replayed'));
    const replayed = await cli('session', 'replay', session, '--serve', '--', 'sh', '-c', script(again));
    assert.deepEqual([replayed.status, replayed.stdout.replaceAll(again, first)], [0, recorded.stdout], replayed.stderr);
    assert.equal(readFileSync(again, 'utf8'), readFileSync(first, 'utf8'));
    const other = await cli('session', 'replay', session, '--serve', '--', 'sh', '-c', script(again, 'mkdir other'));
    assert.match(other.stderr, /not answered: ssh\.sftp\.mkdir host/);
  });

  test('no secret is in a record or in the log', async () => {
    const all = JSON.stringify(
      await Promise.all(gateway.rows<{ session: string }>(['session', 'list', '--all']).map(({ session }) => gateway.records(session))),
    );
    for (const secret of [server.password, ...Object.values(tokens)]) {
      assert.ok(!all.includes(secret) && !gateway.log.includes(secret));
    }
  });
});
