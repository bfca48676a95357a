import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeLongBundle } from '../../ledger/src/testdata/long-bundle.ts';
import { exitCodes } from '../../ledger/src/verdict.ts';
import type { CliResult } from '../support/gateway-process.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';

describe('a bundle and a receipt in the hands of an auditor', () => {
  let shop: Shop;
  let session: string;
  /** The auditor keeps checkpoints: from before the export, that of it, and a later one. */
  const checkpoints = ['before', 'at', 'later'] as const;
  const file = (name: string): string => join(shop.gateway.directory, name);
  const verify = (name: string, words: readonly string[] = []): CliResult =>
    shop.gateway.command(['verify', file(name), '--key', join(shop.gateway.data, 'log', 'key'), ...words]);

  before(async () => {
    shop = await openShop();
    for (const name of checkpoints) {
      const through = { ...shop.through, PGPORT: String(shop.gateway.port('postgres')) };
      assert.equal((await psql(through, ['-c', `select '${name}'`])).status, 0);
      if (name === 'at') {
        session = (await shop.gateway.newest()).session;
      }
      await shop.gateway.signal('SIGTERM');
      copyFileSync(join(shop.gateway.data, 'log', 'checkpoint'), file(name));
      if (name === 'at') {
        assert.equal(shop.gateway.command(['session', 'export', session, '--out', file('bundle')]).status, 0);
      }
      await shop.gateway.start();
    }
    const [, second] = await shop.gateway.records(session);
    writeFileSync(file('record'), second?.record ?? '');
    writeFileSync(file('receipt'), shop.gateway.command(['receipt', second?.record ?? '']).stdout);
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  test('a file of another kind is not readable, accuses nobody, and it is said what it is not', () => {
    const cose = shop.gateway.command(['receipt', readFileSync(file('record'), 'utf8'), '--format', 'cose', '--out', file('cose')]);
    assert.equal(cose.status, 0, cose.stderr);
    const { status, stdout } = verify('cose');
    assert.equal(status, exitCodes.malformed);
    assert.match(
      stdout,
      /^NOT READABLE: .*\n {2}it is not what countersign receipt, .* Receipts in the forms of others \(--format\) are checked with their tools\n/,
    );
  });

  test('T4.34: verify of a bundle says whose, when, which targets, what it proves and what it does not', () => {
    const { status, stdout } = verify('bundle');
    assert.equal(status, 0, stdout);
    assert.match(stdout, new RegExp(`session ${session}\\n`));
    assert.match(stdout, /of agent \(agent\); targets: shop \(postgres\)\n/);
    assert.match(stdout, /from \d{4}-\d\d-\d\dT[\d:.]+Z to \d{4}-\d\d-\d\dT[\d:.]+Z, by the gateway's clock\n/);
    assert.match(stdout, /It proves, under a signature of a key that you trust: this session is whole, from its opening to its close/);
    assert.match(stdout, /It does not prove: that there is no other session, .*takes the log/);
    const { says } = JSON.parse(verify('bundle', ['--json']).stdout);
    assert.deepEqual([says.principals, says.targets], [['agent (agent)'], ['shop (postgres)']]);
  });

  test('T4.34: of what does not hold, and of a receipt, it says no more than there is', () => {
    const bundle = readFileSync(file('bundle'), 'utf8');
    writeFileSync(file('cut'), bundle.split('\n').toSpliced(3, 1).join('\n'));
    const cut = verify('cut');
    assert.equal(cut.status, exitCodes.completeness);
    assert.doesNotMatch(cut.stdout, /It proves/);
    const receipt = verify('receipt');
    assert.equal(receipt.status, 0, receipt.stdout);
    assert.match(receipt.stdout, /^HOLDS: the record is in the log, which is signed\n {2}a receipt: 1 record\n/);
    assert.match(receipt.stdout, /It does not prove: .*a receipt holds no body/);
    const without = shop.gateway.command(['verify', file('receipt')]);
    assert.equal(without.status, exitCodes.trust);
    assert.match(without.stdout, /a receipt names no key and proves nothing without one: give log\/key of the gateway, kept elsewhere, as --key\n/);
    assert.doesNotMatch(without.stdout, /the key inside/);
    const { vkey } = writeLongBundle(file('foreign'), 1, 10);
    const foreign = shop.gateway.command(['verify', file('foreign'), '--key', vkey]);
    assert.equal(foreign.status, 0, foreign.stdout);
    assert.match(foreign.stdout, /whose it is and what it reached is not shown in it/);
  });

  for (const name of ['bundle', 'receipt']) {
    test(`T4.32: verify of a ${name} uses --known: one that is older than a checkpoint kept elsewhere is refused`, () => {
      const later = verify(name, ['--known', file('later')]);
      // The receipt was asked for last.
      assert.equal(later.status, name === 'bundle' ? exitCodes.trust : exitCodes.holds, later.stdout);
      const own = shop.gateway.command(['verify', file(name), '--known', file('before'), '--key', join(shop.gateway.data, 'log', 'key')]);
      assert.equal(own.status, exitCodes.holds, own.stdout);
      assert.match(own.stdout, /newer than the known one; that both are of one history takes the log/);
      writeFileSync(file('newest'), newerThan(readFileSync(file('later'), 'utf8')));
      assert.equal(verify(name, ['--known', file('newest')]).status, exitCodes.integrity, 'a checkpoint that nobody signed is no witness');
      writeFileSync(file('garbage'), 'no note');
      assert.equal(verify(name, ['--known', file('garbage')]).status, exitCodes.malformed);
      assert.equal(verify(name, ['--known', file('nowhere')]).status, exitCodes.malformed);
    });

    test(`T4.32: verify of a ${name} uses --max-age: its newest record may not be older`, () => {
      assert.equal(verify(name, ['--max-age', '1d']).status, exitCodes.holds);
      const old = verify(name, ['--max-age', '0s']);
      assert.equal(old.status, exitCodes.trust, old.stdout);
      assert.match(old.stdout, /trust: file: its newest record is older than allowed/);
    });
  }

  test('T4.32: --known of a bundle accepts its own checkpoint, and not one of another log', () => {
    const same = verify('bundle', ['--known', file('at')]);
    assert.equal(same.status, exitCodes.holds, same.stdout);
    assert.match(same.stdout, /its checkpoint is the known one/);
    writeLongBundle(file('foreign'), 1, 10);
    const last = readFileSync(file('foreign'), 'utf8').trimEnd().split('\n').at(-1) ?? '';
    writeFileSync(file('foreign-checkpoint'), String(JSON.parse(last).checkpoint));
    assert.equal(verify('bundle', ['--known', file('foreign-checkpoint')]).status, exitCodes.trust);
  });
});

/** A checkpoint over more records, with the signature of this one. */
function newerThan(note: string): string {
  const [origin, size, ...rest] = note.split('\n');
  return [origin, Number(size) + 1000, ...rest].join('\n');
}
