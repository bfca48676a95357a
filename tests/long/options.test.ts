import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parseVerifierKey } from '@countersign/ledger';
import { createProgram } from '../../cli/src/program.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { Witness } from '../../gateway/src/witnesses/witness.ts';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

/** They go on until they are told to stop, so that what they did not look at is never said; others test what each option does. */
const endless: ReadonlySet<string> = new Set(['up', 'demo', 'connect', 'session watch', 'witness serve']);

function* leavesOf(
  command: Awaited<ReturnType<typeof createProgram>>,
  words: readonly string[] = [],
): Generator<{ readonly words: string; readonly options: readonly string[] }> {
  if (command.commands.length === 0) {
    yield { words: words.join(' '), options: command.options.map(({ long, short }) => long ?? short ?? '') };
  }
  for (const inner of command.commands) {
    yield* leavesOf(inner, [...words, inner.name()]);
  }
}

/**
 * Ways to call each command that has an end, which together give every option: CONFIG, URL, DATA (a copy of the data directory), NEW (a configuration to be written),
 * SESSION, BUNDLE, OUT, RECORD, REQUEST, TOKEN.
 */
const ways: Readonly<Record<string, readonly string[]>> = {
  init: ['--config NEW --data store'],
  'config check': ['--config CONFIG', '--without-secrets --config CONFIG'],
  'config apply': ['--config CONFIG', '--url URL', '--force --config CONFIG'],
  'target list': ['--config CONFIG --json', '--url URL'],
  'target access': ['api --config CONFIG --json', 'api --url URL'],
  'target tools': ['tools --config CONFIG --pin --json', 'tools --url URL --accept add'],
  'target add': [
    'one http://127.0.0.1:1 --tag a=b --config NEW --protocol http --password-env SECRET --durability process',
    'two http://127.0.0.1:1 --config NEW --password-file secret --inspect email,card',
    'three --config NEW --environment A=b --environment-from HOME --directory /tmp -- cat -u',
  ],
  'policy check': ['--config CONFIG'],
  'policy show': ['--config CONFIG', '--url URL'],
  'policy test': ['CASES --config CONFIG --policies POLICIES --json'],
  'policy try': ['POLICIES --config CONFIG --since 1h --query target:api --json'],
  'policy explain': ['RECORD --config CONFIG', 'RECORD --url URL', 'RECORD --bundle BUNDLE --key KEY'],
  'class list': ['--json --config CONFIG'],
  'class test': ['jane@example.com --json', 'jane@example.com --config CONFIG'],
  'principal list': ['--config CONFIG --json', '--url URL'],
  'principal add': ['somebody --config NEW --kind human --group staff --target one'],
  'principal access': ['somebody --config CONFIG --group staff --json', 'somebody --url URL'],
  'principal suspend': ['somebody --config CONFIG --reason enough', 'somebody --url URL'],
  'principal resume': ['somebody --config CONFIG --reason enough', 'somebody --url URL'],
  'token create': ['agent --config CONFIG --ttl 1h --json', 'agent --url URL'],
  'token list': ['--config CONFIG --all --json', '--url URL'],
  'token revoke': ['TOKEN --config CONFIG', 'TOKEN --url URL'],
  'passkey invite': ['ann --config CONFIG --json', 'ann --url URL'],
  'passkey list': ['--config CONFIG --json', '--url URL'],
  'passkey remove': ['none --config CONFIG', 'none --url URL'],
  console: ['agent --config CONFIG --json', 'agent --url URL'],
  login: ['--config CONFIG --issuer corp --device --fresh', '--url URL --issuer corp --port 7999'],
  logout: ['--config CONFIG --everywhere', '--url URL'],
  whoami: ['--config CONFIG --json', '--url URL'],
  run: ['--config CONFIG --as agent --target api --record-output -- true', '--url URL --as agent -- true'],
  mcp: ['tools --config CONFIG --as agent', 'tools --url URL --as agent'],
  'key list': ['--config CONFIG --json', '--url URL'],
  'key escrow': ['--config CONFIG --json', '--url URL --check'],
  'key recover': ['--config CONFIG --data store --identity KEY --json'],
  'key rotate root': ['--config CONFIG --reason yearly --json', '--url URL --reason yearly'],
  'key rotate signing': ['--config CONFIG --reason yearly --json', '--url URL --reason yearly'],
  'retention show': ['--config CONFIG --json', '--url URL'],
  'retention plan': ['--config CONFIG --at 2099-01-01 --json', '--url URL --new CONFIG'],
  'retention run': ['--config CONFIG --json', '--url URL --today 2026-11-30'],
  'hold create': ['matter --query kind:request --reason why --config CONFIG --json', 'other --query kind:request --reason why --url URL'],
  'hold list': ['--config CONFIG --json', '--url URL'],
  'hold show': ['matter --config CONFIG --json', 'matter --url URL'],
  'hold release': ['matter --reason over --config CONFIG --json', 'other --reason over --url URL'],
  erase: ['--query kind:request --reason why --facts --yes --config CONFIG --json', '--query kind:request --reason why --plan --url URL'],
  'erasure list': ['--config CONFIG --json', '--url URL'],
  'erasure confirm': ['er_1 --config CONFIG --json', 'er_1 --url URL'],
  'storage status': ['--config CONFIG --json', '--url URL'],
  'storage restore': ['--config CONFIG --data OTHER --json'],
  backup: ['--data DATA --out BACKUP --json', '--config CONFIG --out RUNNING --for age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
  restore: ['BACKUP --data RESTORED --known CHECKPOINT --json', 'BACKUP --data OTHER --identity secret'],
  reconcile: ['api --config CONFIG --json', 'api --url URL'],
  'timestamp status': ['--config CONFIG --json', '--url URL'],
  'witness enrol': ['KEY --data WITNESS --json'],
  'witness retire': ['countersign/0000000000000000 --data WITNESS --reason over --json'],
  'witness status': [
    '--config CONFIG --json',
    '--url URL',
    '--anchor ANCHOR --anchor-key ANCHORKEY --anchor-witnesses WITNESSES --json',
    '--anchor ANCHOR --anchor-key ANCHORKEY --known ANCHORKNOWN',
  ],
  'alert list': ['--config CONFIG --all --json', '--url URL'],
  'alert show': ['ALERT --config CONFIG --json', 'ALERT --url URL'],
  'alert ack': ['ALERT --config CONFIG --note seen', 'ALERT --url URL'],
  'alert assign': ['ALERT ann --config CONFIG --note fine', 'ALERT ann --url URL'],
  'alert close': ['ALERT --config CONFIG --note over', 'ALERT --url URL --note over'],
  'approval list': ['--config CONFIG --all --json', '--url URL'],
  'approval show': ['APPROVAL --config CONFIG --json', 'APPROVAL --url URL'],
  'approval grant': ['APPROVAL --config CONFIG --note fine', 'APPROVAL --url URL'],
  'approval deny': ['APPROVAL --config CONFIG --reason enough', 'APPROVAL --url URL --reason enough'],
  'approval break': ['APPROVAL --config CONFIG --reason outage', 'APPROVAL --url URL --reason outage'],
  'session list': [
    '--config CONFIG --all --limit 3 --json',
    '--url URL --after SESSION',
    '--data DATA',
    '--config CONFIG --query kind:request --since 1d --until 2099-01-01 --newest --no-content',
  ],
  'session show': [
    'SESSION --config CONFIG --channel 1 --kind request --grep hello --full',
    'SESSION --url URL --json',
    'SESSION --data DATA --brief',
    'SESSION --data DATA --each',
    'SESSION --config CONFIG --no-content',
    'SESSION --config CONFIG --record 2 --bytes 0-',
    'BUNDLE --key KEY --json',
  ],
  'session replay': [
    'SESSION --config CONFIG --channel 1 --kind request --grep hello --speed 1000 --idle-limit 1s',
    'SESSION --url URL --no-wait --each',
    'SESSION --data DATA --no-wait',
    'BUNDLE --serve --port 0 --key KEY --speed 100 -- true',
    'BUNDLE --key KEY --no-wait',
  ],
  'session export': [
    'SESSION --config CONFIG --out OUT --policies',
    'SESSION --url URL --stamped',
    'SESSION --data DATA',
    'SESSION --config CONFIG --asciicast --record 2',
    'SESSION --config CONFIG --asciicast 3 --record 2',
  ],
  'session diff': [
    'SESSION SESSION --config CONFIG --json',
    'SESSION SESSION --url URL',
    'SESSION SESSION --data DATA',
    'BUNDLE SESSION --config CONFIG --key KEY',
  ],
  'session halt': ['SESSION --config CONFIG --reason enough', 'SESSION --url URL'],
  'index rebuild': ['--config CONFIG', '--url URL', '--data DATA'],
  trace: ['REQUEST --config CONFIG --json', 'REQUEST --url URL', 'REQUEST --data DATA', 'REQUEST --bundle BUNDLE --key KEY'],
  'export evidence': [
    '--config CONFIG --query target:api --since 1d --until 2099-01-01 --withhold class:email --withhold-facts kind:close --out PAGE --json --for age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
    '--url URL --out PAGE --stamped',
  ],
  export: [
    '--config CONFIG --query kind:request --since 1h --until 2099-01-01 --from 0 --format csv --out EXPORT --no-content',
    '--url URL --format ocsf',
    '--config CONFIG --format ocsf --follow --out https://127.0.0.1:1/export',
  ],
  report: ['pci-dss --config CONFIG --since 1d --until 2099-01-01 --out EXPORT --json', 'aarm --url URL'],
  'report list': ['--config CONFIG --json', '--url URL'],
  search: [
    'kind:request --config CONFIG --since 1h --until 2099-01-01 --limit 5 --json',
    'kind:request --url URL --csv --no-content',
    'kind:request --config CONFIG --sessions',
    'kind:request --config CONFIG --count-by principal',
  ],
  'search save': ['requests kind:request --config CONFIG', 'closed kind:close --url URL'],
  'search list': ['--config CONFIG --json', '--url URL'],
  'search run': [
    'requests --config CONFIG --since 1h --until 2099-01-01 --limit 5 --json',
    'requests kind:request --url URL --csv --no-content',
    'requests --config CONFIG --sessions',
    'requests --config CONFIG --count-by principal',
  ],
  'search delete': ['requests --config CONFIG', 'closed --url URL'],
  'review list': ['--config CONFIG --since 1d --threshold 0 --all --no-content --json', '--url URL'],
  'review coverage': ['--config CONFIG --since 1d --threshold 0 --json', '--url URL'],
  'review suggest': ['SESSION --config CONFIG --as agent --target none --model m --json', 'SESSION --url URL --as agent --target none --model m'],
  'review sign': ['SESSION --config CONFIG --note fine', 'SESSION --url URL --note fine'],
  'opening ask': ['SESSION --config CONFIG --reason why', 'SESSION --url URL --reason why'],
  'opening list': ['--config CONFIG --json', '--url URL'],
  'opening grant': ['op_1 --config CONFIG --note fine', 'op_1 --url URL'],
  receipt: ['RECORD --config CONFIG --format cose --out OUT', 'RECORD --url URL', 'RECORD --url URL --stamped'],
  verify: [
    '--data DATA --key KEY --known CHECKPOINT --max-age 1h --no-bodies --json',
    '--data DATA --witnesses WITNESSES',
    '--data DATA --timestamps AUTHORITIES',
    '--data DATA --storage',
    '--data DATA --retention --at 2026-11-30',
    '--config CONFIG',
    '--data DATA --anchor ANCHOR --anchor-key ANCHORKEY --anchor-witnesses WITNESSES --since 2026-01-01 --until 2026-12-31',
    'BUNDLE --key KEY --known CHECKPOINT --max-age 1h --json',
    'BUNDLE --identity CASES',
  ],
};

/** Options that contradict each other or have no meaning. */
const meaningless: readonly string[] = [
  'policy explain RECORD --bundle BUNDLE --config CONFIG',
  'policy explain RECORD --config CONFIG --key KEY',
  'trace REQUEST --bundle BUNDLE --data DATA',
  'trace REQUEST --config CONFIG --key KEY',
  'session list --config CONFIG --url URL',
  'session list --data DATA --url URL',
  'session list --data DATA --config CONFIG',
  'session show SESSION --config CONFIG --full --json',
  'session show SESSION --config CONFIG --record 2',
  'session show SESSION --config CONFIG --key KEY',
  'session show BUNDLE --config CONFIG',
  'session show BUNDLE --data DATA',
  'session show SESSION --data DATA --no-content',
  'session show BUNDLE --no-content',
  'session show SESSION --config CONFIG --record 1 --bytes 0- --no-content',
  'session show SESSION --config CONFIG --full --no-content',
  'session diff SESSION SESSION --config CONFIG --key KEY',
  'session diff BUNDLE BUNDLE --config CONFIG',
  'session show SESSION --config CONFIG --record 2 --bytes 0- --brief',
  'session replay SESSION --config CONFIG --port 5 --no-wait',
  'session replay SESSION --config CONFIG --key KEY --no-wait',
  'session replay SESSION --config CONFIG --no-wait --speed 2',
  'session replay SESSION --config CONFIG --no-wait --idle-limit 2s',
  'session replay BUNDLE --serve --grep x -- true',
  'session replay BUNDLE --serve --each -- true',
  'session replay BUNDLE --serve --no-wait -- true',
  'verify BUNDLE --data DATA',
  'verify BUNDLE --config CONFIG',
  'verify BUNDLE --no-bodies',
  'verify BUNDLE --witnesses WITNESSES',
  'verify BUNDLE --retention',
  'verify --data DATA --at 2026-11-30',
  'verify --data DATA --config CONFIG',
  'verify --data DATA --anchor-key ANCHORKEY',
  'verify --data DATA --since 2026-01-01',
  'verify --data DATA --anchor-witnesses WITNESSES',
  'verify --anchor ANCHOR DATA --data DATA',
  'verify --anchor ANCHOR DATA --identity CASES',
  'witness status --config CONFIG --anchor ANCHOR',
  'witness status --config CONFIG --anchor-key ANCHORKEY',
  'target add x http://127.0.0.1:1 --config NEW --password-env A --password-file b',
  'target tools tools --config CONFIG --pin --accept add',
  'run --config CONFIG --url URL --as agent -- true',
  'login --config CONFIG --url URL',
  'logout --config CONFIG --url URL',
];

describe('no option is accepted and not used', () => {
  let server: Server;
  let gateway: GatewayProcess;
  let places: Readonly<Record<string, string>>;
  let admin: string;
  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      server.close();
    });
    server = createServer({ keepAliveTimeout: 120_000 }, (_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = portOf(server);
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets: { api: { url: "http://127.0.0.1:${port}" }, tools: { protocol: mcp, url: "http://127.0.0.1:${port}/mcp" } }
principals: { agent: { kind: agent, targets: [api, tools] }, ann: { kind: human, groups: [admins] } }
`,
      }),
    );
    admin = await gateway.issueToken('ann');
    const token = await gateway.issueToken('agent');
    await (await fetch(`http://127.0.0.1:${gateway.port('http')}/t/api/hello`, { headers: { authorization: `Bearer ${token}` } })).text();
    const { session } = await gateway.newest();
    const file = (name: string): string => join(gateway.directory, name);
    assert.equal(gateway.cli(['session', 'export', session, '--out', file('bundle')]).status, 0);
    // The gateway runs, and files whose writing has just begun go away again.
    cpSync(gateway.data, file('copy'), { recursive: true, filter: (name) => !/gateway\.(lock|json)$|\.new$/.test(name) });
    const logKey = readFileSync(join(file('copy'), 'log', 'key'), 'utf8').trim();
    const witness = await Witness.open({ data: file('witness'), name: 'w.example', logs: [parseVerifierKey(logKey)], now: Date.now });
    await witness[Symbol.asyncDispose]();
    writeFileSync(file('secret'), 'x');
    writeFileSync(file('witnesses'), 'quorum none\n');
    writeFileSync(file('authorities'), makeCertificate().certificate);
    writeFileSync(file('rules.cedar'), 'permit (principal, action, resource);');
    writeFileSync(file('cases.yaml'), '- { principal: agent, target: api, action: http.request, expect: allow }');
    places = {
      CONFIG: gateway.configFile,
      URL: `http://127.0.0.1:${gateway.port('http')}`,
      DATA: file('copy'),
      NEW: file('new.yaml'),
      SESSION: session,
      BUNDLE: file('bundle'),
      POLICIES: file('rules.cedar'),
      CASES: file('cases.yaml'),
      WITNESSES: file('witnesses'),
      WITNESS: file('witness'),
      ANCHOR: join(file('witness'), 'anchor'),
      ANCHORKEY: join(file('witness'), 'anchor', 'key'),
      ANCHORKNOWN: join(file('witness'), 'anchor', 'checkpoint'),
      AUTHORITIES: file('authorities'),
      BACKUP: file('backup'),
      RUNNING: file('running'),
      RESTORED: file('restored'),
      OTHER: file('other'),
      OUT: file('out.bundle'),
      PAGE: file('out.html'),
      EXPORT: file('out.csv'),
      KEY: join(file('copy'), 'log', 'key'),
      CHECKPOINT: join(file('copy'), 'log', 'checkpoint'),
      RECORD: (await gateway.records(session))[0]?.record ?? '',
      REQUEST: (await gateway.records(session)).find(({ kind }) => kind === 'request')?.record ?? '',
      ALERT: 'al_0000000000000000',
      APPROVAL: 'apr_0000000000000000',
      TOKEN: 'tok_0000000000000000',
    };
  });

  const call = (words: string): { readonly status: number; readonly stdout: string; readonly said: string } => {
    const list = words.split(' ').map((word) => places[word] ?? word);
    const located = ['--config', '--url', '--data', '--anchor', 'verify', 'class', 'BUNDLE'].some((word) => words.split(' ').includes(word));
    assert.ok(located, 'it says itself where the gateway is');
    const environment = { COUNTERSIGN_TOKEN: admin, SECRET: 'x' };
    // These read standard input, or start another program.
    const isProcess = list[0] === 'mcp' || list.includes('--');
    const { status, stdout, stderr } = isProcess ? gateway.cliAsIs(list, { input: '', environment }) : gateway.commandAsIs(list, environment);
    return { status, stdout, said: stdout + stderr };
  };

  test('T4.32, E47: every option of every command is tried, and looked at', async () => {
    rmSync(places['NEW'] ?? '', { force: true });
    for (const { words, options } of leavesOf(await createProgram())) {
      if (endless.has(words)) {
        continue;
      }
      const list = ways[words] ?? assert.fail(`nobody tries ${words}`);
      const given = new Set(list.flatMap((way) => way.split(' -- ')[0]?.split(' ') ?? []));
      assert.deepEqual(
        options.filter((option) => !given.has(option)),
        [],
        `every option of ${words} is tried`,
      );
      for (const way of list) {
        const { status, said } = call(`${words} ${way}`);
        assert.doesNotMatch(said, /means nothing here|unknown option|cannot be used with/, `${words} ${way}`);
        assert.notEqual(status, 2, `${words} ${way}: ${said}`);
      }
    }
  });

  test('a hold and an erasure say which target there is not, and an erasure that finds nothing says so and ends', () => {
    const located = ['--reason', 'letter', '--config', gateway.configFile];
    const held = gateway.commandAsIs(['hold', 'create', 'mistyped', '--query', 'target:tool', ...located]);
    assert.match(held.stdout, /note +there is no target "tool": is tools meant\?$/m, held.stderr);
    const erased = gateway.commandAsIs(['erase', '--query', 'target:tool', '--yes', ...located]);
    assert.deepEqual([erased.status, erased.stderr], [0, '']);
    assert.match(erased.stdout, /note +there is no target "tool": is tools meant\?\nThere is nothing to erase: nothing matches that could go\.\n$/);
  });

  test('T4.32, E47: an option that has no meaning for a command is a usage error', () => {
    for (const words of meaningless) {
      const { status, stdout, said } = call(words);
      assert.match(said, /means nothing here|cannot be used with|do not go with|go with --serve|go together|does not go with/, words);
      assert.equal(stdout, '', `${words} shows nothing`);
      assert.equal(status, 2, `${words}: ${said}`);
    }
  });
});
