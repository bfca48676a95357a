import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '../config/parse.ts';
import { GatewayError } from '../domain/errors.ts';
import { loadCedar } from '../policy/cedar-library.ts';
import { configuredPolicy } from './configured-policy.ts';
import { CandidateDesk } from './policy-desk.ts';

test('a file that somebody changes while it does not come into force stays as it was changed, and who saved it is told', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-desk-'));
  try {
    loadCedar();
    const policies = join(directory, 'policies');
    mkdirSync(policies);
    writeFileSync(join(directory, 'countersign.yaml'), 'data: ./store\nlisten: { http: 127.0.0.1:0 }\npolicies: ./policies\n');
    const config = readConfig(join(directory, 'countersign.yaml'), [], {});
    const file = join(policies, 'saved.cedar');
    await using desk = new CandidateDesk({
      config: () => config,
      policy: () => configuredPolicy(config),
      takeUp: () => {
        writeFileSync(file, '// by hand');
        return Promise.reject(new GatewayError('config_invalid', 'countersign.yaml has a fault.'));
      },
    });
    const saved = desk.save({ file: 'saved.cedar', text: '// saved', sha256: null, force: false }, () => Promise.resolve(), new AbortController().signal);
    await assert.rejects(saved, {
      code: 'config_invalid',
      message: 'countersign.yaml has a fault.\nsaved.cedar is not put back as it was: somebody else has changed it meanwhile.',
    });
    assert.equal(readFileSync(file, 'utf8'), '// by hand');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
