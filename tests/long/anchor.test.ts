import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { CommandThread, type CommandResult } from '../support/command-thread.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';
import { WitnessProcess } from '../support/witness-process.ts';

interface Shown {
  readonly verdict: string;
  readonly anchor: {
    readonly findings: readonly { readonly code: string; readonly where: string; readonly what: string }[];
    readonly logs: readonly ShownLog[];
  };
  readonly stores: readonly {
    readonly log: string;
    readonly report: {
      readonly verdict: string;
      readonly keySource: string;
      readonly counts: { readonly leaves: number };
      readonly findings: Shown['anchor']['findings'];
    };
  }[];
}

interface ShownLog {
  readonly origin: string;
  readonly records: number;
  readonly retired: string | null;
  readonly store: string;
}

/** Two gateways that show their checkpoints to one witness; each test goes on from where the one before ended. */
describe('whether the stores are those of all gateways, to their ends', () => {
  const parts = suiteParts();
  let directory: string;
  let witness: WitnessProcess;
  let one: GatewayProcess;
  let other: GatewayProcess;
  let commands: CommandThread;
  let otherBefore: string;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-anchored-'));
    parts.defer(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    commands = parts.use(new CommandThread());
    witness = parts.use(new WitnessProcess(join(directory, 'witness')));
    one = parts.use(await GatewayProcess.start({ config: '' }));
    other = parts.use(await GatewayProcess.start({ config: '' }));
    await Promise.all([one.signal('SIGTERM'), other.signal('SIGTERM')]);
    otherBefore = join(directory, 'before');
    cpSync(other.data, otherBefore, { recursive: true });
    await witness.start([keyFile(one)]);
    writeFileSync(join(directory, 'policy'), `${witness.policyLine}\nquorum w.example\n`);
    await runWitnessed(one);
  });

  const keyFile = (gateway: GatewayProcess): string => join(gateway.data, 'log', 'key');
  const originOf = (gateway: GatewayProcess): string => readFileSync(keyFile(gateway), 'utf8').split('+')[0] ?? '';
  const anchor = (): string => join(directory, 'witness', 'anchor');
  const command = (...words: readonly string[]): CommandResult => commands.run({ words });
  const verify = (stores: readonly string[], ...more: readonly string[]): Shown & { readonly status: number } => {
    const { status, stdout, stderr } = command('verify', '--anchor', anchor(), '--anchor-key', witness.anchorKey, ...more, '--json', ...stores);
    assert.notEqual(stdout, '', stderr);
    return { status, ...JSON.parse(stdout) };
  };
  /** Runs a gateway until the witness has cosigned its last checkpoint. */
  const runWitnessed = async (gateway: GatewayProcess): Promise<void> => {
    gateway.configure(`witnesses: { policy: ${join(directory, 'policy')} }`);
    await gateway.start();
    await waitUntil(async () => !JSON.stringify(await (await gateway.api('/api/v1/witnesses')).json()).includes('"cosigned":null'));
    await gateway.signal('SIGTERM');
  };

  test('a store whose log is not enrolled is named; once it is enrolled, both hold with the key of the anchor log alone', async () => {
    const { status, stores } = verify([one.data, other.data]);
    assert.equal(status, 4);
    assert.deepEqual(
      stores.map(({ report }) => report.findings),
      [[], [{ code: 'trust', where: 'log/key', what: `${originOf(other)} is not enrolled in the anchor log` }]],
    );
    assert.match(command('witness', 'enrol', keyFile(other), '--data', join(directory, 'witness')).stderr, /store_in_use|in use by another witness/);
    await witness.stop();
    assert.match(command('witness', 'enrol', keyFile(other), '--data', join(directory, 'witness')).stdout, /is enrolled/);
    await witness.start();
    await runWitnessed(other);
    await witness.stop();
    const all = verify([one.data, other.data]);
    assert.deepEqual(all.anchor.findings, []);
    assert.deepEqual(
      [all.status, all.verdict, ...all.stores.map(({ report }) => [report.keySource, report.findings])],
      [0, 'holds', ['given', []], ['given', []]],
    );
    assert.deepEqual(
      all.anchor.logs.map(({ origin, records, store }) => [origin, records, store]),
      all.stores.map(({ log, report }) => [log, report.counts.leaves, 'given']),
      'at its stop the witness has written all that it cosigned',
    );
    cpSync(anchor(), join(directory, 'older'), { recursive: true });
  });

  test('a store that is left out is missing, and so is the end of one that was cut off', () => {
    const { status, anchor: found } = verify([one.data]);
    assert.deepEqual([status, found.findings.map(({ code }) => code)], [2, ['completeness']]);
    assert.match(JSON.stringify(found.findings), new RegExp(`${originOf(other)} .*its store is none of those given`));
    const cut = verify([one.data, otherBefore]);
    assert.deepEqual([cut.status, cut.stores.map(({ report }) => report.verdict)], [2, ['holds', 'completeness']]);
    assert.match(JSON.stringify(cut.stores[1]?.report.findings), /anchor entry \d+.*the journal ends at size \d+, before this checkpoint/);
  });

  test('a key that takes over is enrolled by its handover, and the anchor log alone still says whose stores these are', async () => {
    await witness.start();
    await other.start();
    const rotated = await other.api('/api/v1/keys/rotate-signing', { method: 'POST', body: { reason: 'yearly' } });
    assert.equal(rotated.status, 200, await rotated.text());
    await one.start();
    assert.equal((await one.api('/api/v1/keys/rotate-signing', { method: 'POST', body: { reason: 'yearly' } })).status, 200);
    await Promise.all([one.signal('SIGTERM'), other.signal('SIGTERM')]);
    await witness.stop();
    const { status, stores } = verify([one.data, other.data]);
    assert.deepEqual([status, stores.map(({ report }) => report.findings)], [0, [[], []]]);
    const keyrings = [one, other].flatMap(({ data }) => ['--key', join(data, 'log', 'keys')]);
    for (const { data } of [one, other]) {
      const { stdout, status: alone } = command('verify', '--data', data, ...keyrings);
      assert.equal(alone, 0, `each keyring counts for its own log: ${stdout}`);
    }
    assert.equal(verify([one.data, other.data], ...keyrings).status, 0);
    const size = Number(readFileSync(join(anchor(), 'checkpoint'), 'utf8').split('\n')[1]);
    const entries = readFileSync(join(anchor(), 'tile', 'entries', '000.p', String(size)), 'latin1');
    assert.ok(entries.includes(readFileSync(keyFile(other), 'utf8').trim()), 'the new key is in an entry');
  });

  test('another history of a log is no store of it', async () => {
    const forked = join(directory, 'forked');
    cpSync(otherBefore, forked, { recursive: true });
    await using gateway = await GatewayProcess.start({ config: '', data: forked });
    await gateway.signal('SIGTERM');
    // After a second start it is longer than what the witness has seen.
    await gateway.start();
    await gateway.signal('SIGTERM');
    const { status, stores } = verify([one.data, forked]);
    assert.deepEqual([status, stores[1]?.report.verdict], [1, 'integrity']);
    assert.match(JSON.stringify(stores[1]?.report.findings), /anchor entry \d+.*(?:root is not that of the log at its size|names a position between frames)/);
  });

  test('a log that is retired ends there: nothing more is cosigned, and what is recorded behind it is found', async () => {
    assert.match(command('witness', 'retire', 'countersign/0000000000000000', '--data', join(directory, 'witness'), '--reason', 'x').stderr, /is not enrolled/);
    const retired = command('witness', 'retire', originOf(one), '--data', join(directory, 'witness'), '--reason', 'replaced by two others', '--json');
    assert.equal(retired.status, 0, retired.stderr);
    assert.equal(verify([one.data, other.data]).status, 0);
    assert.equal(verify([other.data]).status, 2, 'the store of a log that was retired is needed, too');
    const tomorrow = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    const later = verify([other.data], '--since', tomorrow);
    assert.deepEqual([later.status, later.anchor.logs.map(({ store }) => store)], [0, ['unneeded', 'given']]);
    assert.deepEqual(
      verify([], '--until', '2026-01-01', '--data', other.data).anchor.logs.map(({ store }) => store),
      ['unneeded', 'given'],
    );
    await witness.start([keyFile(one)]);
    await one.start();
    await waitUntil(async () => (await (await one.api('/api/v1/witnesses')).text()).includes('404'));
    await one.signal('SIGTERM');
    await witness.stop();
    const { status, stores } = verify([one.data, other.data]);
    assert.equal(status, 4);
    assert.match(JSON.stringify(stores[0]?.report.findings), /the log was retired with \d+ records, and \d+ were recorded behind them/);
    assert.match(command('witness', 'enrol', keyFile(one), '--data', join(directory, 'witness')).stderr, /was retired: replaced by two others/);
  });

  test('another witness cosigns the anchor log, which then cannot be an older one unnoticed', async () => {
    await using second = new WitnessProcess(join(directory, 'second'), 'second.example');
    await second.start([witness.anchorKey]);
    const policy = join(directory, 'anchor-policy');
    writeFileSync(policy, `${second.policyLine}\nquorum second.example\n`);
    const check = (place: string): CommandResult =>
      command('verify', '--anchor', place, '--anchor-key', witness.anchorKey, '--anchor-witnesses', policy, '--since', '2100-01-01', other.data);
    const status = (place: string, ...more: readonly string[]): CommandResult =>
      command('witness', 'status', '--anchor', place, '--anchor-key', witness.anchorKey, '--anchor-witnesses', policy, ...more);
    for (const { stdout } of [check(anchor()), status(anchor())]) {
      assert.match(stdout, /trust: anchor\/cosigned: missing/);
    }
    const putBack = join(directory, 'put-back');
    cpSync(join(directory, 'witness'), putBack, { recursive: true });
    await witness.start([], ['--witnesses', policy]);
    await runWitnessed(other);
    await witness.stop();
    await using older = new WitnessProcess(putBack);
    await assert.rejects(
      older.start([], ['--witnesses', policy]),
      /put-back is older than other witnesses know .*second\.example: it has cosigned \d+ records of this log, and there are \d+/,
    );
    const { stdout, status: code } = check(anchor());
    assert.equal(code, 0, stdout);
    const shown = status(anchor(), '--known', join(directory, 'older', 'checkpoint'));
    assert.deepEqual([shown.status, /cosigned over \d+ entries by second\.example/.test(shown.stdout)], [0, true], shown.stdout);
    assert.match(stdout, new RegExp(`${other.data}\nHOLDS.*\n  ${originOf(other)}: the witness has seen \\d+ of its records`));
    const size = readFileSync(join(anchor(), 'checkpoint'), 'utf8').split('\n')[1];
    assert.match(stdout, new RegExp(`cosigned over ${size} entries by second\\.example`), 'what it has written at its stop, too');
    const early = join(directory, 'older');
    cpSync(join(anchor(), 'cosigned'), join(early, 'cosigned'));
    const rolledBack = status(early, '--known', join(anchor(), 'checkpoint'));
    assert.equal(rolledBack.status, 4);
    assert.match(rolledBack.stdout, /trust: known checkpoint: has the size \d+: the anchor log, with \d+, is older/);
    assert.match(check(early).stdout, /completeness: anchor\/cosigned: has the size \d+: the anchor log, with \d+, is older/);
    rmSync(join(early, 'cosigned'));
    // The log of the second witness is one of an anchor log, which has no store.
    await second.stop();
    const foreign = command('verify', '--anchor', join(directory, 'second', 'anchor'), '--anchor-key', second.anchorKey, '--json', other.data);
    assert.deepEqual(
      JSON.parse(foreign.stdout).anchor.logs.map(({ origin, store }: ShownLog) => [origin, store]),
      [['w.example/anchor', 'none']],
    );
    // A policy that another witness would have to meet.
    writeFileSync(policy, `${witness.policyLine}\nquorum w.example\n`);
    assert.match(check(anchor()).stdout, /trust: anchor\/cosigned: the quorum w\.example is not met/);
  });

  test('an anchor log is read where the witness serves it, and what was changed in it is found', async () => {
    await witness.start();
    const served = command('verify', '--anchor', `${witness.url}/anchor`, '--anchor-key', witness.anchorKey, '--json', other.data);
    assert.equal(JSON.parse(served.stdout).anchor.entries, JSON.parse(command('witness', 'status', '--anchor', anchor(), '--json').stdout).entries);
    assert.equal(await statusOf(witness.url, '/anchor/key'), 200);
    for (const path of ['/anchor/../anchor.key', '/anchor/tile/../../anchor.key', '/anchor/checkpoint.new', '/anchor/tile', '/anchor/']) {
      assert.equal(await statusOf(witness.url, path), 404, path);
    }
    await witness.stop();
    assert.match(command('witness', 'status', '--anchor', anchor()).stdout, /HOLDS.*retired .*replaced by two others.*seen at/s);
    const forged = join(directory, 'forged');
    cpSync(anchor(), forged, { recursive: true });
    const size = Number(readFileSync(join(forged, 'checkpoint'), 'utf8').split('\n')[1]);
    const bundle = join(forged, 'tile', 'entries', '000.p', String(size));
    writeFileSync(bundle, readFileSync(bundle, 'latin1').replace('replaced by two others', 'replaced by one others'), 'latin1');
    assert.equal(command('verify', '--anchor', forged, '--anchor-key', witness.anchorKey, other.data).status, 1);
    rmSync(bundle);
    assert.match(
      command('verify', '--anchor', forged, '--anchor-key', witness.anchorKey, other.data).stdout,
      /completeness: anchor\/tile\/entries\/000\.p\/\d+: is missing/,
    );
    const older = join(directory, 'older');
    assert.deepEqual(verify([other.data], '--since', '2100-01-01', '--known', join(older, 'checkpoint')).anchor.findings, []);
    const rolledBack = command('verify', '--anchor', older, '--anchor-key', witness.anchorKey, '--known', join(anchor(), 'checkpoint'), one.data, other.data);
    assert.match(rolledBack.stdout, /trust: known checkpoint: has the size \d+: the anchor log, with \d+, is older/);
    assert.equal(rolledBack.status, 4);
    const stranger = readFileSync(keyFile(one), 'utf8').trim();
    assert.equal(command('verify', '--anchor', anchor(), '--anchor-key', stranger, other.data).status, 4);
    assert.match(command('verify', '--anchor', join(directory, 'nowhere'), other.data).stderr, /there is no such directory/);
  });
});

/** Asks for a path as it is: `fetch` would resolve it. */
async function statusOf(url: string, path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url);
  const [response]: IncomingMessage[] = await once(get({ hostname, port, path }), 'response');
  response?.resume();
  return response?.statusCode;
}
