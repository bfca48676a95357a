import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Packed, type Ended } from '../support/packed.ts';

const root = join(import.meta.dirname, '..', '..');

describe('what is packed', () => {
  let packed: Packed;
  before(() => {
    packed = new Packed();
  });
  after(() => {
    packed[Symbol.dispose]();
  });

  test('the same sources give the same bytes', () => {
    const again = packed.pack('again');
    assert.deepEqual(
      globSync('*', { cwd: again }).toSorted(),
      [packed.command, packed.ledger].map((file) => basename(file)),
    );
    for (const file of [packed.command, packed.ledger]) {
      assert.ok(readFileSync(join(again, basename(file))).equals(readFileSync(file)), file);
    }
  });

  test('our own files in it are JavaScript and types, and the examples of policies', () => {
    const directory = join(packed.home, 'extracted');
    mkdirSync(directory);
    execFileSync('tar', ['--extract', '--gzip', '--file', packed.command, '--directory', directory]);
    const ours = globSync('package/{cli,examples,node_modules/@countersign/{gateway,ledger}}/**/*.*', { cwd: directory });
    assert.ok(ours.filter((file) => file.endsWith('.js')).length > 300);
    assert.deepEqual(
      ours.filter(
        (file) => !/\.js$|\.d\.ts$|\/package\.json$|^package\/examples\/policies\/[\w-]+\.(?:cedar|yaml)$/.test(file) || /\.test\.|\/testdata\//.test(file),
      ),
      [],
    );
    const ofConsole = globSync('package/node_modules/@countersign/web/**/*.*', { cwd: directory });
    assert.ok(ofConsole.some((file) => file.endsWith('dist/index.html.gz')));
    assert.deepEqual(
      ofConsole.filter((file) => !/\/package\.json$|\/dist\/(?:(?:index|evidence)\.html|assets\/[\w.-]+)(?:\.gz)?$/.test(file)),
      [],
    );
  });

  test('the verifier is a library with types', () => {
    const directory = packed.install('library', packed.ledger);
    const check = (text: string): Ended => {
      writeFileSync(join(directory, 'check.mts'), text);
      const words = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'esnext', '--types', '', 'check.mts'];
      return spawnSync(join(root, 'node_modules', '.bin', 'tsc'), words, { cwd: directory, encoding: 'utf8' });
    };
    const typed = `import { verifyStore, type StoreFiles, type StoreReport } from '@countersign/ledger';
      import { leafHash } from '@countersign/ledger/format';
      export const verify = (files: StoreFiles): Promise<StoreReport> => verifyStore(files);
      export const hash: (leaf: Uint8Array) => Uint8Array = leafHash;`;
    assert.equal(check(typed).stdout, '');
    assert.match(check(typed.replace('Promise<StoreReport>', 'number')).stdout, /TS2322/);
    const program = join(directory, 'run.mjs');
    writeFileSync(
      program,
      "import { verifyStore } from '@countersign/ledger'; import { leafHash } from '@countersign/ledger/format'; console.log(typeof verifyStore, leafHash.length);",
    );
    assert.equal(packed.run('node', [program]).stdout, 'function 1\n');
  });
});
