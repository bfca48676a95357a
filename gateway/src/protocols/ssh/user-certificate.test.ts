import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { requireProgram } from '../../../../tests/support/require-program.ts';
import { readUserCertificate } from './user-certificate.ts';

const client = { address: '127.0.0.1', nowMs: Date.now() };

test('B18: a certificate in which any byte was changed after it was signed, or that is cut anywhere, has no name', requireProgram('ssh-keygen'), () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-certificate-'));
  try {
    const keygen = (...words: string[]): Buffer => execFileSync('ssh-keygen', ['-q', ...words], { cwd: directory });
    keygen('-N', '', '-t', 'ed25519', '-f', 'authority');
    keygen('-N', '', '-t', 'ecdsa', '-f', 'user');
    keygen('-s', 'authority', '-I', 'id', '-n', 'ann,amy', '-O', 'source-address=127.0.0.1', 'user.pub');
    const read = (name: string): Buffer => Buffer.from(readFileSync(join(directory, name), 'utf8').split(' ')[1] ?? '', 'base64');
    const certificate = read('user-cert.pub');
    const whole = readUserCertificate(certificate, client);
    const authority = read('authority.pub').toString('base64');
    assert.deepEqual([whole?.shown.fault, whole?.shown.names], [null, [`ssh:${authority}:ann`, `ssh:${authority}:amy`]]);
    assert.deepEqual(whole?.publicKey, read('user.pub'));
    for (let at = 0; at < certificate.length; at += 1) {
      const changed = Buffer.from(certificate);
      changed[at] = (changed[at] ?? 0) ^ 1;
      for (const bytes of [changed, certificate.subarray(0, at)]) {
        const { fault = 'none', names = [] } = readUserCertificate(bytes, client)?.shown ?? {};
        assert.ok(fault !== null && names.length === 0, `byte ${at}`);
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
