import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { formatVerifierKey, parseVerifierKey } from '../../ledger/src/note.ts';
import { GatewayProcess, type CliResult } from '../support/gateway-process.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { requireProgram } from '../support/require-program.ts';
import { waitUntil } from '../support/wait-until.ts';
import { suiteParts } from '../support/suite-parts.ts';

/** A database, a model and an API in one run, which prints what the gateway records. */
const script = `psql -XAtc "select 1 as one" "$SHOP_URL"
psql -XAtc "select repeat('x', 3000000) as long" "$SHOP_URL" | wc -c
psql -XAtc "select no_such_column" "$SHOP_URL"
curl -sN -H "authorization: Bearer $COUNTERSIGN_TOKEN" -H 'content-type: application/json' \\
  -d '{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Weather?"}]}' "$COUNTERSIGN_URL/t/openai/v1/chat/completions"
curl -s -H "authorization: Bearer $COUNTERSIGN_TOKEN" "$COUNTERSIGN_URL/t/api/v1/models"`;

describe('the bundle of a session in the place of the session', requireProgram('psql', 'curl'), () => {
  let database: PostgresServer;
  let model: ModelServer;
  let gateway: GatewayProcess;
  let session: string;
  let other: string;
  const file = (name: string): string => join(gateway.directory, name);
  const key = (): string => join(gateway.data, 'log', 'key');
  /** Says nothing of where the gateway is. */
  const cli = (...words: readonly string[]): CliResult => gateway.commandAsIs(words);
  /** Without holding up this process, in which the model is. */
  const run = async (command: string): Promise<string> => {
    const child = gateway.spawnCli(['run', '--as', 'agent', '--record-output', '--', 'sh', '-c', command]);
    const [, said, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    assert.equal(status, 0, said);
    await waitUntil(async () => (await gateway.newest()).state === 'closed');
    return (await gateway.newest()).session;
  };
  const exportTo = (name: string, id: string): string => {
    const { status, stderr } = gateway.command(['session', 'export', id, '--out', file(name)]);
    assert.equal(status, 0, stderr);
    return file(name);
  };
  const parts = suiteParts();
  before(async () => {
    database = parts.use(await startPostgres());
    model = parts.use(await startModelServer());
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:
  shop: { url: "${database.url}", password: { env: SHOP_PASSWORD }, durability: process }
  openai: { protocol: llm, url: "${model.url}", durability: process }
  api: { protocol: http, url: "${model.url}", durability: process }
principals:
  agent: { kind: agent, groups: [agents], targets: [shop, openai, api] }
`,
        environment: { SHOP_PASSWORD: database.password },
      }),
    );
    session = await run(script);
    other = await run(`psql -XAtc "select 2 as one" "$SHOP_URL"`);
    exportTo('bundle', session);
    exportTo('other', other);
  });

  test('T4.34: show and replay say of a bundle what they say of the session, record for record, with no gateway, store or configuration named', () => {
    for (const words of [['--json'], [], ['--full'], ['--brief'], ['--each'], ['--kind', 'response', '--grep', 'get_weather']]) {
      const stored = gateway.command(['session', 'show', session, ...words]);
      const bundled = cli('session', 'show', file('bundle'), '--key', key(), ...words);
      // Before the timeline of a session that a gateway has stands what its index knows of all of it.
      const head = words.some((word) => ['--json', '--brief', '--kind'].includes(word)) ? '' : stored.stdout.slice(0, stored.stdout.indexOf('\n\n') + 2);
      assert.deepEqual({ ...bundled, stdout: head + bundled.stdout }, stored);
      assert.equal(stored.status, 0);
    }
    const records = cli('session', 'show', file('bundle'), '--json').stdout.trim().split('\n').length;
    assert.ok(records > 20);
    const played = cli('session', 'replay', file('bundle'), '--no-wait', '--key', key());
    assert.deepEqual(played, gateway.command(['session', 'replay', session, '--no-wait']));
    assert.equal(cli('session', 'show', file('bundle'), '--grep', 'no-such-words').status, 1);
  });

  test('T4.34: diff takes bundles and sessions', () => {
    const both = cli('session', 'diff', file('bundle'), file('bundle'), '--key', key());
    assert.deepEqual([both.status, both.stderr], [0, '']);
    assert.match(both.stdout, /^\d+ requests: the same was asked and answered\n$/);
    const stored = gateway.command(['session', 'diff', session, other]);
    assert.equal(stored.status, 1);
    assert.deepEqual(cli('session', 'diff', file('bundle'), file('other'), '--key', key()), stored);
    assert.deepEqual(gateway.command(['session', 'diff', file('bundle'), other, '--key', key()]), stored);
  });

  test('T4.34: the bytes of a record are those of the store', () => {
    const records = gateway.rows<ShownRecord>(['session', 'show', session]);
    const asked = records.find(({ kind, content }) => kind === 'request' && content?.text?.includes('as long') === true);
    const { seq } = records.find(({ attributes }) => attributes['countersign.request'] === asked?.seq) ?? { seq: -1 };
    const words = ['--record', String(seq), '--bytes', '1000000-2000000'];
    const stored = gateway.command(['session', 'show', session, ...words]);
    assert.equal(stored.stdout.length, 1_000_001);
    assert.deepEqual(cli('session', 'show', file('bundle'), '--key', key(), ...words), stored);
  });

  test('T4.34: without a trusted key the output says that the owner of the key was not checked; another key is not accepted', () => {
    const { status, stderr } = cli('session', 'show', file('bundle'));
    assert.equal(status, 0);
    assert.equal(
      stderr,
      `countersign: ${file('bundle')}: it holds by the key inside; whose key that is was not checked: give log/key of the gateway, kept elsewhere, as --key\n`,
    );
    const { name } = parseVerifierKey(readFileSync(key(), 'utf8').trim());
    const foreign = cli('session', 'show', file('bundle'), '--key', formatVerifierKey({ name, publicKey: randomBytes(32) }));
    assertRefused(foreign, /The bundle does not hold: trust: bundle: its key is not a trusted one/);
  });

  test('T4.34: nothing is shown of a file that does not verify or is not a bundle, and the message says why', () => {
    const bundle = readFileSync(file('bundle'), 'utf8');
    const lines = bundle.split('\n');
    const harms = {
      changed: [
        bundle.replace(/(?<="plain":"[^"]{20})./, (letter) => (letter === 'A' ? 'B' : 'A')),
        /integrity: record \S+: \w+ does not match its commitment/,
      ],
      shortened: [lines.toSpliced(5, 1).join('\n'), /completeness: record /],
      swapped: [lines.toSpliced(5, 2, lines[6] ?? '', lines[5] ?? '').join('\n'), /completeness|integrity/],
      cut: [lines.slice(0, 8).join('\n'), /It cannot be read as a bundle/],
      garbage: ['nothing\n', /It cannot be read as a bundle/],
      empty: ['', /It cannot be read as a bundle/],
    } as const;
    for (const [name, [harmed, says]] of Object.entries(harms)) {
      writeFileSync(file(name), harmed);
      assertRefused(cli('session', 'show', file(name)), says);
      assertRefused(cli('session', 'diff', file('other'), file(name)), says);
    }
    const receipt = gateway.command(['receipt', gateway.rows<ShownRecord>(['session', 'show', session])[0]?.record ?? '']).stdout;
    writeFileSync(file('receipt'), receipt);
    assertRefused(cli('session', 'show', file('receipt')), /It cannot be read as a bundle/);
    assertRefused(cli('session', 'show', gateway.directory), /is no file/);
    assert.equal(cli('session', 'show', file('nothing-here')).status, 2);
  });

  test('T4.34: withheld bodies are named as withheld, and a part is not called the whole', () => {
    const lines = readFileSync(file('other'), 'utf8').split('\n');
    const at = lines.findIndex((line) => Buffer.from(/"content":\{.*"plain":"([^"]*)"/.exec(line)?.[1] ?? '', 'base64').includes('select 2 as one\0'));
    assert.ok(at > 0);
    const withheld = lines.with(at, (lines[at] ?? '').replace(/"content":\{.*\}\}$/, '"content":{"withheld":true}}'));
    writeFileSync(file('withheld'), withheld.join('\n'));
    const { status, stdout, stderr } = cli('session', 'show', file('withheld'), '--key', key());
    assert.equal(status, 0, stderr);
    assert.equal(stderr, `countersign: ${file('withheld')}: 1 body is not in it: it proves that they were recorded and does not show their content\n`);
    assert.match(stdout, /→ postgres\.query shop .*withheld=not_in_bundle/);
    assert.doesNotMatch(stdout, /select 2/);
    const selected = [
      (lines[0] ?? '').replace('"scope":"session"', '"scope":"records"').replace(/"records":\d+/, '"records":2'),
      lines[1],
      lines[at],
      ...lines.slice(-2),
    ];
    writeFileSync(file('selected'), selected.join('\n'));
    const part = cli('session', 'show', file('selected'), '--key', key());
    assert.equal(part.status, 0, part.stderr);
    assert.match(part.stderr, /it is a selection of a session: the bundle does not say which other records there are/);
    assert.equal(part.stdout.match(/#\d+/g)?.length, 2);
  });

  test('T4.34: for a session that was open when it was exported, the output says that more may have come', async () => {
    const own = (await gateway.sessions('all')).find(({ principal, targets }) => principal === null && targets.length === 0);
    copyFileSync(exportTo('open', own?.session ?? ''), file('open-copy'));
    const { status, stdout, stderr } = cli('session', 'show', file('open-copy'), '--key', key());
    assert.equal(status, 0, stderr);
    assert.match(stderr, /the session was still open: the bundle does not say whether it continued/);
    assert.match(stdout, /· access .*\n {4}the operator on the gateway's machine read session/);
  });
});

function assertRefused({ status, stdout, stderr }: CliResult, says: RegExp): void {
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, says);
}
