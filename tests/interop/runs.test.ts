import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { join } from 'node:path';
import type { ShownRecord } from '../../gateway/src/domain/shown-record.ts';
import type { CliResult } from '../support/gateway-process.ts';
import { requireProgram } from '../support/require-program.ts';
import { openShop, type Shop } from '../support/shop.ts';

const main = join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts');

describe('run', requireProgram('psql'), () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ config: '  reviewer: { kind: agent, targets: [shop] }\n' });
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  /** Without holding up this process, whose connections to the gateway would be closed meanwhile. */
  const cli = async (words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<CliResult> => {
    const child = shop.gateway.spawnCli(words, { COUNTERSIGN: `"${process.execPath}" "${main}"`, ...environment });
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { status, stdout, stderr };
  };
  const recordOf = async (session: string, action: string): Promise<ShownRecord | undefined> =>
    (await shop.gateway.records(session)).find((record) => record.action === action);

  test('inside a run: a session of its own, linked with the other, with nothing but what the outer one was given', async () => {
    const inner = `eval "$COUNTERSIGN run -- sh -c 'psql -XAtc \\"select 2\\"; echo \\$COUNTERSIGN_SESSION; exit 5'" || echo "exit $?"`;
    const script = `cd /; psql -XAtc "select 1"; echo "$COUNTERSIGN_SESSION"; ${inner}; psql -XAtc "select 3"`;
    const { status, stdout, stderr } = await cli(['run', '--as', 'agent', '--', 'sh', '-c', script], { COUNTERSIGN_TOKEN: 'an administrator’s' });
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
    assert.match((await cli(['session', 'show', innerSession])).stdout, new RegExp(`gateway\\.run inside=${outerSession}`));
  });

  test('inside a run, with --as: of another principal, by whoever may open any run, and linked the same', async () => {
    const inner = `eval "$COUNTERSIGN run --as reviewer --config ${shop.gateway.configFile} -- true"`;
    const { status, stderr } = await cli(['run', '--as', 'agent', '--', 'sh', '-c', inner]);
    assert.equal(status, 0, stderr);
    const [outer, nested] = (await shop.gateway.sessions()).slice(-2);
    assert.deepEqual([outer?.principal, nested?.principal], ['agent', 'reviewer']);
    assert.equal((await recordOf(outer?.session ?? '', 'gateway.nested_run'))?.attributes['countersign.child_session'], nested?.session);
    const alone = `eval "$COUNTERSIGN run --as reviewer --url $COUNTERSIGN_URL -- true"`;
    const refused = await cli(['run', '--as', 'agent', '--', 'sh', '-c', alone.replace('$COUNTERSIGN_URL', '\\$COUNTERSIGN_URL')]);
    assert.match(refused.stderr, /A run of agent opens no runs for reviewer/);
    assert.equal(refused.status, 1);
  });
});
