import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { exitCodes } from '../../ledger/src/verdict.ts';
import type { CliResult } from '../support/gateway-process.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { killCommandAt } from '../support/kill-point.ts';
import { requireStrace } from '../support/strace.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { WitnessProcess } from '../support/witness-process.ts';

interface Report {
  readonly size: number;
  readonly verdict: string;
  readonly copiedBytes: number;
  readonly bytes: number;
  readonly lacks: readonly string[];
}

/** An identity of age that was made for this test, and its recipient. */
const identity = 'AGE-SECRET-KEY-158CY9PT686KM39F54P0WTN6T6AWEYY5C7H5PDXUZVTF6UL9JSUHSST9G7Z';
const recipient = 'age15zdaqjrl5nahyg8r24mld6mx4zg4vex6tqtxph2mpqx2tt8u434qrfl2w4';

describe('countersign backup and restore', () => {
  let gateway: GatewayProcess;
  let out: string;
  let keyFile: string;
  let sessions: number;
  let newest: string;
  let firstKey: string;
  const parts = suiteParts();
  before(async () => {
    gateway = parts.use(await GatewayProcess.start({ config: 'principals: { bot: { kind: agent, targets: [] } }\n' }));
    out = join(gateway.directory, 'backup');
    keyFile = join(gateway.directory, 'key.txt');
    writeFileSync(keyFile, `# made for a test\n${identity}\n`);
  });

  const backUp = (...more: readonly string[]): Report => {
    const { status, stdout, stderr } = gateway.command(['backup', '--out', out, '--json', ...more]);
    assert.equal(status, 0, stdout + stderr);
    return JSON.parse(stdout);
  };
  const restore = (from: string, to: string, ...more: readonly string[]): CliResult => gateway.commandAsIs(['restore', from, '--data', to, ...more]);
  const openRun = async (): Promise<void> => {
    assert.ok((await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'bot' } })).ok);
  };

  test('a store that is written is copied, and then only what is new; with --for no key is readable any more', async () => {
    await openRun();
    const first = backUp();
    assert.equal(first.verdict, 'holds');
    assert.match(first.lacks.join(), /root key is not in it/);
    assert.ok(existsSync(join(out, 'keys.db')) && !existsSync(join(out, 'root.key')) && !existsSync(join(gateway.data, 'backing-up')));
    firstKey = readFileSync(join(gateway.data, 'log', 'key'), 'utf8').trim();
    const rotated = gateway.command(['key', 'rotate', 'signing', '--reason', 'yearly']);
    assert.match(rotated.stdout, /^signing key 2 is in force, from size \d+ on: countersign\/\S+\n$/, rotated.stderr);
    await openRun();
    const second = backUp('--for', recipient);
    assert.ok(second.size > first.size && second.copiedBytes < second.bytes);
    assert.deepEqual(second.lacks, []);
    assert.ok(existsSync(join(out, 'secret.age')) && !existsSync(join(out, 'keys.db')) && !existsSync(join(out, 'identity.db')));
    const refused = await gateway.api('/api/v1/backup', { method: 'POST', body: { out }, token: await gateway.issueToken('bot') });
    assert.equal(refused.status, 403);
    assert.match(gateway.command(['backup', '--out', gateway.data]).stderr, /cannot be in the data directory/);
    assert.match(gateway.command(['backup', '--out', join(gateway.directory, 'other'), '--for', 'age1x']).stderr, /age1x is no recipient of age/);
    sessions = (await gateway.sessions()).length;
    await openRun();
    await gateway.signal('SIGTERM');
    newest = readFileSync(join(gateway.data, 'log', 'checkpoint'), 'utf8');
  });

  test('a restore that is killed leaves nothing on which a gateway starts, and is begun again', requireStrace(), async () => {
    const data = join(gateway.directory, 'killed');
    const words = ['restore', out, '--data', data, '--identity', keyFile];
    await killCommandAt({ syscall: 'pwrite64', file: join(data, 'keys.db') }, words);
    assert.match(gateway.commandAsIs(['up', '--config', gateway.configFile, '--data', data]).stderr, /The restore into .* did not end/);
    const { status, stdout, stderr } = gateway.commandAsIs(words);
    assert.equal(status, 0, stdout + stderr);
  });

  test('when the machine is lost, the store comes back, says so, and what went on elsewhere is found', async () => {
    const known = join(gateway.directory, 'known');
    writeFileSync(known, newest);
    rmSync(gateway.data, { recursive: true });
    const { status, stdout, stderr } = restore(out, gateway.data, '--identity', keyFile);
    assert.equal(status, 0, stdout + stderr);
    assert.equal(restore(out, gateway.data, '--identity', keyFile).status, 1, 'the directory is not empty any more');
    await assert.rejects(gateway.start(['--known', known]), /kept elsewhere: this store went on after this copy of it was made.*--accept-rollback/);
    await gateway.start();
    assert.match(await (await gateway.api('/readyz')).text(), /restored from a backup of \d+ records/);
    assert.equal((await gateway.sessions()).length, sessions);
    await openRun();
    await gateway.signal('SIGTERM');
    const whole = gateway.verify();
    assert.equal(whole.status, exitCodes.holds, whole.stdout);
    assert.equal(gateway.commandAsIs(['verify', '--data', gateway.data, '--key', firstKey]).status, exitCodes.holds, 'the key was rotated before the backup');
    assert.equal(gateway.commandAsIs(['verify', '--data', gateway.data, '--key', join(gateway.data, 'log', 'keys')]).status, exitCodes.holds);
    assert.match(whole.stdout, /epoch 2, from record \d+ on, was recorded by a copy that was restored from a backup/);
    assert.equal(gateway.commandAsIs(['verify', '--data', gateway.data, '--known', known]).status, exitCodes.trust);
    const stopped = gateway.command(['backup', '--out', join(gateway.directory, 'stopped'), '--json']);
    assert.equal(stopped.status, 0, stopped.stderr);
  });
});

test('a store is restored elsewhere and starts from the backup, with what it names that is not in it', async (t) => {
  const away = mkdtempSync(join(tmpdir(), 'countersign-away-'));
  t.after(() => {
    rmSync(away, { recursive: true });
  });
  await using witness = new WitnessProcess(join(away, 'witness'));
  await using gateway = await GatewayProcess.start({ config: '' });
  const beside = (name: string): string => join(gateway.directory, name);
  const { certificate, key } = makeCertificate();
  const both = Buffer.concat([key, certificate]);
  for (const [name, text] of Object.entries({
    'tsa.pem': certificate,
    'tls.pem': certificate,
    'both.pem': both,
    'tls.key': key,
    words: 'orchid\n',
  })) {
    writeFileSync(beside(name), text);
  }
  writeFileSync(join(away, 'elsewhere.pem'), certificate);
  symlinkSync(beside('tls.pem'), beside('link.pem'));
  await witness.start([readFileSync(join(gateway.data, 'log', 'key'), 'utf8').trim()]);
  await gateway.signal('SIGTERM');
  writeFileSync(beside('witnesses.txt'), `${witness.policyLine}\nquorum w.example\n`);
  gateway.configure(`tls: { cert: ./link.pem, key: ./tls.key, clients: ${join(away, 'elsewhere.pem')} }
witnesses: { policy: ./witnesses.txt, caFile: ./both.pem }
timestamps: { rfc3161: "http://127.0.0.1:1", authorities: ./tsa.pem }
classes: { flowers: { words: ./words } }
`);
  const out = join(away, 'backup');
  const backUp = (): Report => JSON.parse(gateway.command(['backup', '--out', out, '--json']).stdout);
  const left = [join(away, 'elsewhere.pem'), ...['both.pem', 'tls.key', 'words'].map(beside)];
  await gateway.start();
  assert.ok(
    backUp()
      .lacks.join()
      .includes(`: ${left.toSorted().join(', ')}. Keep copies of them.`),
  );
  await gateway.signal('SIGTERM');
  // The witness has seen the end of this log, so an older copy would not start.
  const { verdict, lacks } = backUp();
  assert.equal(verdict, 'holds');
  assert.ok(lacks.join().includes(`: ${left.toSorted().join(', ')}. Keep copies of them.`), lacks.join());
  const rootKey = readFileSync(join(gateway.data, 'root.key'));
  const data = join(away, 'data');
  const restored = gateway.commandAsIs(['restore', out, '--data', data]);
  assert.equal(restored.status, 0, restored.stdout + restored.stderr);
  rmSync(gateway.data, { recursive: true });
  ['tsa.pem', 'tls.pem', 'link.pem', 'witnesses.txt', 'both.pem', 'tls.key', 'words'].forEach((name) => rmSync(beside(name)));
  writeFileSync(join(data, 'root.key'), rootKey, { mode: 0o600 });
  const config = join(data, 'config', 'countersign.yaml');
  for (const [name, text] of Object.entries({ 'both.pem': both, 'tls.key': key, words: 'orchid\n' })) {
    assert.match(
      gateway.commandAsIs(['config', 'check', '--config', config]).stderr,
      new RegExp(name.replace('.', '\\.')),
      'what was named is what a start lacks',
    );
    writeFileSync(join(data, 'config', name), text);
  }
  await using again = await GatewayProcess.start({
    config: readFileSync(config, 'utf8')
      .replace(/^(?:.*\n){2}/, '')
      .replaceAll('./', `${join(data, 'config')}/`),
    data,
  });
  assert.match(await (await again.api('/readyz')).text(), /restored from a backup of \d+ records/);
  assert.equal((await again.api('/api/v1/witnesses')).status, 200);
});
