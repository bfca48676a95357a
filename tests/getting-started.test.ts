import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { DCLinter } from 'dclint';
import { parse } from 'yaml';
import { freePort } from '../cli/src/demo/free-port.ts';
import { mainFile } from './support/main-file.ts';
import { debianPostgres, startPostgres } from './support/postgres-server.ts';
import { requireProgram } from './support/require-program.ts';
import { psql, runProgram } from './support/run.ts';
import { suiteParts } from './support/suite-parts.ts';

const root = join(import.meta.dirname, '..');
const documented = readFileSync(join(root, 'docs', 'getting-started.md'), 'utf8');
const compose = readFileSync(join(root, 'compose.yaml'), 'utf8');
const ports = ['7433', '7480', '7070', '7432'] as const;

/** Waits until an address answers, or the program that was started last has ended. */
const untilOpen = 'until_open() { until curl --silent --fail --output /dev/null "$1"; do kill -0 $! && sleep 0.1; done; }';

/** Returns the commands of the document, which a shell runs one after the other, with other ports, and with the database and the issuer already there. */
function scriptOf(found: Readonly<Record<string, string>>): string {
  const inUse = (text: string): string => text.replaceAll(/\b(?:7433|7480|7070|7432)\b/g, (port) => found[port] ?? port);
  const [setup, containers, ...blocks] = [...documented.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, lines = '']) => lines);
  assert.equal(setup, 'npm run setup\n');
  assert.equal(containers, 'docker compose up --detach --wait database issuer\n');
  const rest = inUse(blocks.join(''))
    .replace(/^\.\/countersign init$/m, `$&\nsed --in-place 's/7070/${found['7070']}/; s/7432/${found['7432']}/' countersign.yaml`)
    // Nobody types as fast as a script: on a busy machine the index takes a moment.
    .replace(/^\.\/countersign search .+$/m, "until $& | grep --quiet 'has all that is recorded'; do sleep 0.1; done\n$&")
    .replace(/^\.\/countersign up &$/m, inUse('./countersign up > up.log 2>&1 &\nuntil_open http://127.0.0.1:7070/readyz'));
  return (
    inUse(`set -e
trap 'kill $(jobs -p); wait' EXIT
${untilOpen}
node examples/issuer.ts 7480 > issuer.log 2>&1 &
until_open http://127.0.0.1:7480/.well-known/openid-configuration
`) + rest
  );
}

describe('docs/getting-started.md', requireProgram(`${debianPostgres}/postgres`, 'psql', 'curl'), () => {
  let shown = '';
  let complaints = '';
  const parts = suiteParts();
  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-start-'));
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    const write = (name: string, command: string): string => {
      writeFileSync(join(directory, name), `#!/bin/sh\nexec ${process.execPath} ${command} "$@"\n`, { mode: 0o755 });
      return join(directory, name);
    };
    write('countersign', mainFile);
    symlinkSync(join(root, 'examples'), join(directory, 'examples'));
    const browser = write('browser', `${join(root, 'tests', 'support', 'person.ts')} ann`);
    const database = parts.use(await startPostgres({ programs: debianPostgres }));
    const around = { PGHOST: '127.0.0.1', PGPORT: String(database.port), PGUSER: database.user, PGPASSWORD: database.password, PGDATABASE: 'postgres' };
    const made = await psql(around, ['-c', "CREATE USER shop PASSWORD 'shop'", '-c', 'CREATE DATABASE shop OWNER shop']);
    assert.equal(made.status, 0, made.stderr);
    const found: Record<string, string> = { 7433: String(database.port) };
    for (const port of ports.slice(1)) {
      found[port] = String(await freePort());
    }
    delete process.env['COUNTERSIGN_TOKEN'];
    const { status, stdout, stderr } = await runProgram('bash', ['-c', `cd ${directory}\n${scriptOf(found)}`], {
      PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH']}`,
      BROWSER: browser,
      XDG_STATE_HOME: join(directory, 'state'),
    });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    shown = stdout;
    complaints = stderr;
  });

  test('the agent reads a table through the gateway', () => {
    assert.match(shown, / Ada Byron +\| ada@example\.com\n/);
  });

  test('a person without an entry in the configuration signs in', () => {
    assert.match(shown, /^signed in at http:\/\/127\.0\.0\.1:\d+: corp\/ann@corp\.example {2}human /m);
  });

  test('and has the first answer, in records that were verified', () => {
    assert.match(shown, / support-bot +shop +postgres\.query +select: read +allow +grant:support-bot:shop +SELECT name, email FROM customers\n/);
    assert.match(shown, /^ *support-bot +2$|^ *2 +support-bot$/m);
    assert.match(shown, /^HOLDS: it is whole and signed$/m);
  });

  test('and the agent is refused the same', () => {
    assert.match(complaints, /^countersign: support-bot may not search records: that needs a role, or a permit of a policy, that holds now\.$/m);
  });
});

describe('compose.yaml', () => {
  test('the linter has nothing to say of it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-compose-'));
    const linted = (text: string): unknown[] => {
      const file = join(directory, 'compose.yaml');
      writeFileSync(file, text);
      const results: readonly { readonly messages: readonly unknown[] }[] = new DCLinter({ rules: {}, quiet: false, debug: false, exclude: [] }).lintFiles(
        [file],
        false,
      );
      return results.flatMap(({ messages }) => messages);
    };
    assert.deepEqual(linted(compose), []);
    assert.equal(linted(compose.replace('image:', 'imagge:')).length, 1, 'it can find fault');
    rmSync(directory, { recursive: true });
  });

  test('its gateway has the configuration of the document, and its servers the ports', () => {
    const { configs, services } = parse(compose);
    const { data, listen, targets, principals, ...added } = parse(configs.gateway.content);
    const [, appended = ''] = /<<'YAML'\n([^]*?)YAML\n/.exec(documented) ?? [];
    assert.deepEqual(added, parse(appended));
    assert.deepEqual([data, listen], ['/var/lib/countersign', { http: '127.0.0.1:7070', postgres: '127.0.0.1:7432' }]);
    assert.deepEqual(targets, { shop: { url: 'postgres://shop@127.0.0.1:7433/shop', password: { env: 'SHOP_PASSWORD' } } });
    assert.deepEqual(principals, { 'support-bot': { kind: 'agent', groups: ['agents'], targets: ['shop'] } });
    const { POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: database } = services.database.environment;
    assert.ok(documented.includes(`postgresql://${user}:${password}@127.0.0.1:7433/${database}`));
    assert.deepEqual([services.database.command.at(-1), services.issuer.command.at(-1)], ['port=7433', '7480']);
  });
});
