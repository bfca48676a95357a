import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import type { CliResult } from '../support/gateway-process.ts';
import { requireProgram } from '../support/require-program.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { waitUntil } from '../support/wait-until.ts';
import { mainFile } from '../support/main-file.ts';

/** The command that a shell runs inside a run. */
const command = `"${process.execPath}" "${mainFile}"`;

describe('run', requireProgram('psql'), () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ config: '  reviewer: { kind: agent, targets: [shop] }\n  boss: { kind: human, groups: [admins] }\n' });
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  /** Without holding up this process, whose connections to the gateway would be closed meanwhile. */
  const cli = async (words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<CliResult> => {
    const child = shop.gateway.spawnCli(words, { COUNTERSIGN: command, ...environment });
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { status, stdout, stderr };
  };
  const recordOf = async (session: string, action: string): Promise<ShownRecord | undefined> =>
    (await shop.gateway.records(session)).find((record) => record.action === action);

  test('inside a run: a session of its own, linked with the other, with nothing but what the outer one was given', async () => {
    const inner = `eval "$COUNTERSIGN run -- sh -c 'psql -XAtc \\"select 2\\"; echo \\$COUNTERSIGN_SESSION; exit 5'" || echo "exit $?"`;
    const script = `cd /; psql -XAtc "select 1"; echo "$COUNTERSIGN_SESSION"; ${inner}; psql -XAtc "select 3"`;
    const { status, stdout, stderr } = await cli(['run', '--as', 'agent', '--', 'sh', '-c', script], {
      COUNTERSIGN_TOKEN: await shop.gateway.issueToken('boss'),
    });
    assert.equal(status, 0, stderr);
    const [one, outerSession = '', two, innerSession = '', exit, three] = stdout.trim().split('\n');
    assert.deepEqual([one, two, exit, three], ['1', '2', 'exit 5', '3'], stderr);
    const statements = async (session: string): Promise<unknown> =>
      (await shop.gateway.records(session)).flatMap(({ attributes }) => attributes['db.query.text'] ?? []);
    assert.deepEqual(await statements(outerSession), ['select 1', 'select 3']);
    assert.deepEqual(await statements(innerSession), ['select 2']);
    assert.equal((await recordOf(outerSession, 'gateway.nested_run'))?.attributes['countersign.child_session'], innerSession);
    assert.equal((await recordOf(innerSession, 'gateway.run'))?.attributes['countersign.parent_session'], outerSession);
    assert.equal((await recordOf(innerSession, 'process.exit'))?.attributes['process.exit.code'], 5);
    const shown = await cli(['session', 'show', outerSession, '--channel', '0']);
    assert.match(shown.stdout, new RegExp(`gateway\\.nested_run session=${innerSession}[^]*process\\.exit exit_code=0`));
    assert.match((await cli(['session', 'show', innerSession])).stdout, new RegExp(`gateway\\.run allow inside=${outerSession}`));
    const list = `eval "$COUNTERSIGN session list --config ${shop.gateway.configFile}"`;
    const refused = await cli(['run', '--as', 'agent', '--', 'sh', '-c', list]);
    assert.match(refused.stderr, /The token of a run cannot be used as that of an administrator/);
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
  });

  test('inside a run, --as opens a run of another principal if the caller may open any run, and it is linked in the same way', async () => {
    const inner = `eval "$COUNTERSIGN run --as reviewer --config ${shop.gateway.configFile} -- true"`;
    const { status, stderr } = await cli(['run', '--as', 'agent', '--', 'sh', '-c', inner]);
    assert.equal(status, 0, stderr);
    const [outer, nested] = (await shop.gateway.sessions()).slice(-2);
    assert.deepEqual([outer?.principal, nested?.principal], ['agent', 'reviewer']);
    assert.equal((await recordOf(outer?.session ?? '', 'gateway.nested_run'))?.attributes['countersign.child_session'], nested?.session);
    const alone = `eval "$COUNTERSIGN run --as reviewer --url $COUNTERSIGN_URL -- true"`;
    const refused = await cli(['run', '--as', 'agent', '--', 'sh', '-c', alone.replace('$COUNTERSIGN_URL', '\\$COUNTERSIGN_URL')]);
    assert.match(refused.stderr, /A run of agent may not open runs for reviewer/);
    assert.equal(refused.status, 1);
  });

  const outputOf = async (session: string, stream: string): Promise<string> =>
    (await shop.gateway.records(session))
      .filter(({ kind, attributes }) => kind === 'response' && attributes['log.iostream'] === stream)
      .map(({ content }) => content?.text)
      .join('');

  test('found: a run that was halted while its command kept running says so, with the exit code of the command', async () => {
    const halt = `eval "$COUNTERSIGN session halt $COUNTERSIGN_SESSION --config ${shop.gateway.configFile}"`;
    const { status, stderr } = await cli(['run', '--as', 'agent', '--', 'sh', '-c', `unset COUNTERSIGN_TOKEN; ${halt}; exit 3`]);
    assert.equal(status, 3, stderr);
    assert.match(stderr, /the session of this run ended before its command did: countersign session show [0-9a-f]{32} says why/);
  });

  test('C27: --record-output: the output of the command is passed on unchanged, also where it is concealed or erased at once, and is recorded in the session with its requests', async () => {
    const script = String.raw`printf 'ask\n'; psql -XAtc "select 42"; printf 'warn \033[?1049h\033[8mhidden\033[2J' >&2; seq 60000; exit 6`;
    const { status, stdout, stderr } = await cli(['run', '--as', 'agent', '--record-output', '--', 'sh', '-c', script]);
    assert.deepEqual([status, stderr], [6, 'warn \u001B[?1049h\u001B[8mhidden\u001B[2J']);
    const numbers = Array.from({ length: 60_000 }, (_, i) => `${i + 1}\n`).join('');
    assert.equal(stdout, `ask\n42\n${numbers}`);
    const { session } = await shop.gateway.newest();
    assert.deepEqual([await outputOf(session, 'stdout'), await outputOf(session, 'stderr')], [stdout, stderr]);
    const records = await shop.gateway.records(session);
    const opening = records.find(({ action, kind }) => action === 'process.output' && kind === 'event');
    assert.equal(opening?.attributes['process.command_line'], `sh -c ${script}`);
    const isOutput = ({ kind, action }: ShownRecord): boolean => kind === 'response' && action === 'process.output';
    assert.ok(records.filter(isOutput).every(({ channel, principal }) => channel === opening.channel && principal === 'agent'));
    const order = records.flatMap((record) => (isOutput(record) ? record.content?.text?.slice(0, 3) : (record.attributes['db.query.text'] ?? [])));
    assert.deepEqual(order.slice(0, 3), ['ask', 'select 42', '42\n'], 'one timeline');
    assert.equal((await recordOf(session, 'process.exit'))?.attributes['process.exit.code'], 6);
    assert.deepEqual([records.at(-1)?.kind, records.at(-2)?.action], ['close', 'process.exit']);
    const replayed = await cli(['session', 'replay', session, '--no-wait', '--channel', String(opening.channel), '--grep', 'warn']);
    assert.match(replayed.stdout, /process\.output stream=stderr #\d+\n {4}warn \\x1b\[\?1049h\\x1b\[8mhidden\\x1b\[2J\n$/);
  });

  test('found: --record-output: the tokens of the run and of a run inside it are not in what is recorded', async () => {
    const script = `cd /; env; printf %s "\${PGPASSWORD%${'?'.repeat(20)}}"; sleep 0.1; printf %s "\${PGPASSWORD#${'?'.repeat(32)}}"; eval "$COUNTERSIGN run -- sh -c 'echo \\$PGPASSWORD'" >&2`;
    const { status, stdout, stderr } = await cli(['run', '--as', 'agent', '--record-output', '--', 'sh', '-c', script]);
    assert.equal(status, 0, stderr);
    const [token = ''] = /(?<=^PGPASSWORD=)cs_\w+$/m.exec(stdout) ?? [];
    const innerToken = stderr.trim();
    assert.ok(token !== '' && /^cs_\w+$/.test(innerToken) && innerToken !== token, 'it is shown as it was printed');
    const [outer] = (await shop.gateway.sessions()).slice(-2);
    const records = await shop.gateway.records(outer?.session ?? '');
    const recorded = JSON.stringify(records);
    for (const each of [token, innerToken]) {
      assert.ok(!recorded.includes(each.slice(0, 12)) && !recorded.includes(each.slice(-12)));
    }
    assert.match(await outputOf(outer?.session ?? '', 'stdout'), /^PGPASSWORD=REDACTED$/m);
    assert.match(await outputOf(outer?.session ?? '', 'stderr'), /^REDACTED\n$/);
    assert.ok(records.some(({ attributes }) => Number(attributes['countersign.masked_tokens']) > 0));
  });

  test('--record-output: a reader who leaves, and a command that is not there, are as without it', async () => {
    const script = `eval "$COUNTERSIGN run --as agent --record-output --config ${shop.gateway.configFile} -- seq 1000000" | head -n 2`;
    const child = spawn('sh', ['-c', script], { env: { ...process.env, COUNTERSIGN: command }, stdio: ['ignore', 'pipe', 'ignore'] });
    assert.equal(await text(child.stdout), '1\n2\n');
    await waitUntil(async () => (await shop.gateway.newest()).state === 'closed');
    assert.notEqual((await recordOf((await shop.gateway.newest()).session, 'process.exit'))?.attributes['process.exit.code'], 0, 'seq was told');
    const missing = await cli(['run', '--as', 'agent', '--record-output', '--', 'there-is-no-such-program']);
    assert.equal(missing.status, 127);
    assert.match(missing.stderr, /^countersign: there-is-no-such-program cannot be run: .*\n$/);
  });

  test('--record-output: what cannot be recorded is not shown, and the command is ended', async () => {
    const child = shop.gateway.spawnCli(['run', '--as', 'agent', '--record-output', '--', 'sh', '-c', 'while echo tick; do sleep 0.02; done']);
    const said = Promise.all([text(child.stdout), text(child.stderr)]);
    await once(child.stdout, 'data');
    const { session } = await shop.gateway.newest();
    await shop.gateway.api(`/api/v1/sessions/${session}/halt`, { method: 'POST', body: { reason: 'prints too much' } });
    const [status] = await once(child, 'exit');
    assert.equal(status, 143);
    const [stdout, stderr] = await said;
    assert.match(stderr, /cannot be recorded, so the command is ended: .*(prints too much|has ended)/);
    assert.ok((await outputOf(session, 'stdout')).endsWith(stdout));
  });
});
