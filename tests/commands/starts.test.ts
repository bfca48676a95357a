import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runProgram } from '../support/run.ts';

const main = join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts');

/** Has a process name, at its end and on standard error, each package and each protocol that it loaded. */
const spy = `import { registerHooks } from 'node:module';
const loaded = new Set();
registerHooks({ load(url, context, next) {
  const [, name] = /\\/node_modules\\/([^@/]+|@[^/]+\\/[^/]+)\\//.exec(url) ?? /\\/src\\/(protocols)\\//.exec(url) ?? [];
  if (name !== undefined) loaded.add(name);
  return next(url, context);
} });
process.on('exit', () => process.stderr.write('\\nloaded ' + [...loaded].sort().join(' ')));`;

/** The most that each command may load: it starts often, and all of the gateway takes longer than the command. CONFIG is a valid one, on which no gateway runs. */
const starts: Readonly<Record<string, readonly string[]>> = {
  '--version': ['commander'],
  'init --config NEW': ['commander'],
  'token list --url 127.0.0.1:9': ['commander', 'yaml'],
  'token list --config CONFIG': ['commander', 'yaml', 'zod'],
  'session list --url 127.0.0.1:9': ['commander', 'yaml'],
  'verify --data STORE': ['commander'],
  'config check --config CONFIG': ['commander', 'protocols', 'yaml', 'zod'],
};

describe('a command loads what it needs and no more', () => {
  let places: Readonly<Record<string, string>>;
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-starts-'));
    places = { CONFIG: join(directory, 'countersign.yaml'), NEW: join(directory, 'new.yaml'), STORE: directory };
    writeFileSync(join(directory, 'countersign.yaml'), 'targets: {}\nprincipals: {}\n');
  });
  after(() => {
    rmSync(directory, { recursive: true });
  });

  for (const [words, most] of Object.entries(starts)) {
    test(words, async () => {
      const list = words.split(' ').map((word) => places[word] ?? word);
      const hook = `data:text/javascript,${encodeURIComponent(spy)}`;
      const { stderr } = await runProgram(process.execPath, ['--import', hook, main, ...list], { COUNTERSIGN_TOKEN: 'cs_x' });
      assert.deepEqual(/^loaded (.*)$/m.exec(stderr)?.[1]?.split(' '), most, stderr);
    });
  }
});
