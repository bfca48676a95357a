import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';
import { python, requireProgram } from '../support/require-program.ts';
import { waitUntil } from '../support/wait-until.ts';

void test(
  'a reader in Python agrees on the fingerprints and the chain of attested events, and on none that were changed; the log has the last fingerprint',
  requireProgram('python:hashlib'),
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-ocsf-'));
    t.after(() => {
      rmSync(directory, { recursive: true });
    });
    await using gateway = await GatewayProcess.start({ config: '' });
    for (const word of ['zwölf', '\u{1f600}\u{fb33}']) {
      assert.equal(gateway.cli(['search', word]).status, 0);
    }
    const file = join(directory, 'events.ndjson');
    const exported = gateway.cli(['export', '--query', 'kind:(access or epoch or open)', '--format', 'ocsf-attested', '--out', file]);
    assert.equal(exported.status, 0, exported.stderr);

    const { status, stdout, stderr } = spawnSync(python, [join(import.meta.dirname, 'ocsf', 'check.py'), file], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const { events, chain, fingerprint, accepted }: Readonly<Record<string, unknown>> = JSON.parse(stdout);
    assert.ok(Number(events) >= 3, stdout);
    assert.deepEqual(accepted, []);
    const [line] = readFileSync(file, 'utf8').split('\n');
    const first: { attestation_list: [{ authority_uid: string }] } = JSON.parse(line ?? '');
    assert.ok(readFileSync(join(gateway.data, 'log', 'key'), 'utf8').startsWith(`${first.attestation_list[0].authority_uid}+`));

    // The chain is named after the record of the export, and the record of its end has the last fingerprint: so both are in the log.
    const search = (): string => gateway.cli(['search', `countersign.export.fingerprint:${String(fingerprint)}`, '--json']).stdout;
    await waitUntil(() => search() !== '');
    const found: Readonly<Record<string, unknown>> = JSON.parse(search());
    assert.deepEqual([found['action'], found['verified']], ['gateway.complete_export', true]);
    const attributes: Readonly<Record<string, unknown>> = Object.assign({}, found['attributes']);
    assert.deepEqual([attributes['countersign.export.chain'], attributes['countersign.export.events']], [chain, events]);
    for (const each of [String(chain), String(found['record'])]) {
      const receipt = join(directory, 'receipt');
      writeFileSync(receipt, gateway.cli(['receipt', each]).stdout);
      const checked = gateway.cli(['verify', receipt, '--key', join(gateway.data, 'log', 'key')]);
      assert.equal(checked.status, 0, checked.stderr);
    }
  },
);
