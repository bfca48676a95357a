import assert from 'node:assert/strict';
import { execSync, spawnSync } from 'node:child_process';
import { globSync, lstatSync, realpathSync, renameSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Packed, type Ended } from '../support/packed.ts';

/** The first Node that runs it. */
const oldestNode = '24.12.0';

/** Starts a gateway with the given program, and prints the statuses of a page, of the health and of the API. */
const asksForPages = `
const { spawn } = require('node:child_process');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
writeFileSync('alone.yaml', 'data: alone\\nlisten: { http: 127.0.0.1:0 }\\ntargets: {}\\nprincipals: {}\\n');
const gateway = spawn(process.argv[1], ['up', '--config', 'alone.yaml', '--ready-file', 'alone.ready'], { stdio: ['ignore', 'ignore', 'inherit'] });
(async () => {
  while (!existsSync('alone.ready')) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const url = 'http://' + JSON.parse(readFileSync('alone.ready', 'utf8')).http;
  const answers = await Promise.all(['/', '/healthz', '/api/v1/openapi.json'].map((path) => fetch(url + path, { headers: { accept: 'text/html' } })));
  process.stdout.write(answers.map(({ status }) => status).join(' '));
  gateway.kill('SIGTERM');
})();
`;

describe('an installation in an empty directory', () => {
  let packed: Packed;
  let directory: string;
  let program: string;
  const run = (...words: readonly string[]): Ended => packed.run(program, words);
  before(() => {
    packed = new Packed();
    directory = packed.install('installed', packed.command);
    program = join(directory, 'node_modules', '.bin', 'countersign');
    const { status, stderr } = run('demo');
    assert.equal(status, 1);
    const [, command = ''] =
      /^countersign: The demo needs packages that nothing else here needs\. This installs them:\n {2}(npm install .+)\n$/.exec(stderr) ?? [];
    // npm run hands on that this repository runs no install scripts. Where the demo is installed, npm runs them.
    execSync(command, { cwd: packed.home, stdio: 'ignore', env: { ...process.env, npm_config_ignore_scripts: 'false' } });
  });
  after(() => {
    packed[Symbol.dispose]();
  });

  test('leads nowhere else', () => {
    const installed = globSync('node_modules/**', { cwd: directory }).map((file) => join(directory, file));
    assert.ok(installed.length > 3000);
    const links = installed.filter((file) => lstatSync(file).isSymbolicLink());
    assert.ok(links.length > 0);
    assert.deepEqual(
      links.filter((link) => !realpathSync(link).startsWith(directory + sep)),
      [],
    );
  });

  test('shows the demo and verifies what is left of it, without the checkout', () => {
    assert.equal(run('--version').stdout, `${packed.version}\n`);
    const { status, stdout, stderr } = run('demo');
    assert.equal(status, 0, stdout + stderr);
    assert.ok(stdout.includes('-- node examples/support-agent.js') && stdout.includes('It said the same'), stdout);
    const [list = [], forged = []] = [...stdout.matchAll(/^ {2}countersign (.+)$/gm)].map(([, words = '']) => words.split(' '));
    const store = join(dirname(forged.at(-1) ?? ''), 'store');
    assert.deepEqual([run(...list).status, run(...forged).status, run('verify', '--data', store).status], [0, 1, 0]);
  });

  test('serves the API alone where the console is not installed', () => {
    const [web = assert.fail('there is a console')] = globSync('node_modules/**/@countersign/web', { cwd: directory });
    renameSync(join(directory, web), join(directory, 'console'));
    try {
      const { status, stdout, stderr } = packed.run(join(packed.programs, 'node'), ['-e', asksForPages, program]);
      assert.equal(status, 0, stderr);
      assert.equal(stdout, '404 200 200');
    } finally {
      renameSync(join(directory, 'console'), join(directory, web));
    }
  });

  test(`is run by Node ${oldestNode}, and says to an older one which it takes`, () => {
    const name = `node-linux-${process.arch}`;
    const [oldest, tooOld] = [oldestNode, '22.12.0'].map((version) => join(packed.install(version, `${name}@${version}`), 'node_modules', name, 'bin'));
    const { status, stdout, stderr } = packed.run(program, ['demo', '--once'], oldest);
    assert.equal(status, 0, stdout + stderr);
    const refused = spawnSync(program, ['--version'], { env: { PATH: `${tooOld}:/usr/bin:/bin` }, encoding: 'utf8' });
    assert.equal(refused.stderr, 'countersign: Node 24.12 or later is needed, and this is 22.12.0\n');
    assert.equal(refused.status, 1);
  });
});
