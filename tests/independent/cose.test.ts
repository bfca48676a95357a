import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseVerifierKey } from '@countersign/ledger';
import { parseReceipt } from '@countersign/ledger/format';
import { importBundled } from '../support/main-file.ts';
import { python, requireProgram } from '../support/require-program.ts';

void test(
  'a reader in Python agrees on the COSE receipt and the signed statement of a record, and on none that was changed',
  requireProgram('python:cbor2', 'python:cryptography'),
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-cose-'));
    t.after(() => {
      rmSync(directory, { recursive: true });
    });
    const configFile = join(directory, 'countersign.yaml');
    writeFileSync(configFile, 'data: store\nlisten: { http: 127.0.0.1:0 }\n');
    const { Gateway } = await importBundled('gateway', async () => import('../../gateway/src/gateway.ts'));
    await using gateway = await Gateway.open({ logLevel: 'silent', configFile });
    const operator = readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim();
    const ask = async (path: string): Promise<Buffer> => {
      const answer = await fetch(`http://${gateway.addresses['http']}${path}`, { headers: { authorization: `Bearer ${operator}` } });
      assert.equal(answer.status, 200, path);
      assert.equal(answer.headers.get('content-type'), path.includes('form=') ? 'application/cose' : 'text/plain; charset=utf-8');
      return Buffer.from(await answer.arrayBuffer());
    };
    const before = (await ask('/log/key')).toString();
    const rotated = await fetch(`http://${gateway.addresses['http']}/api/v1/keys/rotate-signing`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
      body: '{"reason":"a test"}',
    });
    assert.equal(rotated.status, 200, await rotated.text());
    const key = parseVerifierKey((await ask('/log/key')).toString().trim());
    assert.notEqual(before.trim(), (await ask('/log/key')).toString().trim(), 'the key in force signs');
    const path = `/api/v1/receipts/${key.name.replace('countersign/', '')}/1`;
    const { leaf } = parseReceipt(await ask(path));
    const bytes = {
      key: Buffer.from(key.publicKey),
      leaf: Buffer.from(leaf),
      receipt: await ask(`${path}?form=cose`),
      statement: await ask(`${path}?form=scitt`),
    };
    const ofAnother = path.replace(/1$/, '2');
    const other = Object.fromEntries(
      await Promise.all(
        (['receipt', 'statement'] as const).map(async (name) => [
          name,
          (await ask(`${ofAnother}?form=${name === 'receipt' ? 'cose' : 'scitt'}`)).toString('hex'),
        ]),
      ),
    );
    const input = JSON.stringify({
      issuer: key.name,
      subject: `${key.name}/1`,
      other,
      ...Object.fromEntries(Object.entries(bytes).map(([name, each]) => [name, each.toString('hex')])),
    });
    const { status, stdout, stderr } = spawnSync(python, [join(import.meta.dirname, 'cose', 'check.py')], { input, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const [receipt, statement] = stdout
      .trim()
      .split('\n')
      .map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
    assert.deepEqual([receipt?.['form'], receipt?.['index'], receipt?.['accepted']], ['receipt', 1, []]);
    assert.deepEqual([statement?.['form'], statement?.['index'], statement?.['accepted']], ['statement', 1, []]);
  },
);
