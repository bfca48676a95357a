import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../domain/errors.ts';
import { defaultLimits } from '../domain/limits.ts';
import { takesNotices } from '../domain/sink.ts';
import type { Config } from './config.ts';
import { parseConfig, readConfig } from './parse.ts';
import { readPolicySources } from './policies.ts';
import { protocols } from './testdata/protocols.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-config-'));
after(() => {
  rmSync(directory, { recursive: true });
});
const file = '/etc/countersign/countersign.yaml';

function parse(text: string, environment: NodeJS.ProcessEnv = {}, secrets: 'needed' | 'missing' = 'needed'): Config {
  return parseConfig(text, { file, protocols, environment, secrets });
}

/** The problems as `line:column: rest`. */
function problems(text: string): readonly string[] {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof GatewayError && error.code === 'config_invalid', String(error));
    return error.message.split('\n').map((line) => {
      assert.ok(line.startsWith(`${file}:`), line);
      return line.slice(file.length + 1);
    });
  }
  return assert.fail('it was accepted');
}

test('issuers, groups and bound principals', () => {
  const config = parse(
    `
targets: { orders: { url: "alpha://h:1/d" }, wiki: { url: "alpha://h:1/w" } }
groups:
  compliance: { targets: [orders] }
  admins: {}
principals:
  ann@corp.example: { issuer: corp, subject: "248289761001" }
  bob: { kind: human, groups: [compliance], targets: [wiki, orders] }
identity:
  issuers:
    corp: { url: https://id.corp.example, clientId: countersign, clientSecret: { env: OIDC_SECRET }, audience: countersign, groups: groups, principal: email }
`,
    { OIDC_SECRET: 'oidc secret' },
  );
  const { clientSecret, ...corp } = config.issuers.get('corp') ?? assert.fail();
  assert.deepEqual(corp, {
    name: 'corp',
    url: 'https://id.corp.example',
    clientId: 'countersign',
    scim: null,
    audience: 'countersign',
    scope: 'openid email offline_access',
    groups: 'groups',
    principal: 'email',
  });
  assert.equal(clientSecret?.(), 'oidc secret');
  assert.ok(!JSON.stringify([...config.atStart]).includes('oidc secret'));
  assert.deepEqual(Object.fromEntries(config.groups), {
    compliance: { targets: ['orders'], issuers: ['corp'] },
    admins: { targets: [], issuers: ['corp'] },
  });
  assert.deepEqual([...config.subjects.values()], ['ann@corp.example']);
  assert.deepEqual(config.principals.get('bob'), { id: 'bob', kind: 'human', groups: ['compliance'], targets: ['wiki', 'orders'] });
  assert.deepEqual(config.principals.get('ann@corp.example'), { id: 'ann@corp.example', kind: 'human', groups: [], targets: [] });
});

test('a group that only a role names is one of the only issuer, unless the gateway makes members of it itself', () => {
  const corp = 'corp: { url: https://id.corp.example, clientId: c, audience: a, groups: groups }';
  const roles = 'roles: { analyst: { groups: [compliance, desk, staff] }, boss: { role: analyst, groups: [admins] } }';
  const principals = 'groups: { staff: { targets: [] } }\nprincipals: { bob: { kind: human, groups: [desk] } }';
  const groupsOf = (issuers: string): object => Object.fromEntries(parse(`${roles}\n${principals}\nidentity: { issuers: { ${issuers} } }\n`).groups);
  assert.deepEqual(groupsOf(corp), { compliance: { targets: [], issuers: ['corp'] }, staff: { targets: [], issuers: ['corp'] } });
  assert.throws(() => groupsOf(`${corp}, other: { url: https://id.other.example, clientId: c, audience: a }`), /groups\.staff: there are several issuers/);
  const two = parse(`${roles}\nidentity: { issuers: { ${corp}, other: { url: https://id.other.example, clientId: c, audience: a } } }\n`);
  assert.equal(two.groups.size, 0, 'of several issuers it is not known whose claim counts');
});

test('faults of issuers, groups and bound principals, each at its place', () => {
  const corp = 'corp: { url: https://id.corp.example, clientId: c, audience: a }';
  assert.deepEqual(
    problems(`
groups: { compliance: { targets: [nowhere], issuers: [crop] }, idle: {} }
principals:
  ann: { kind: human, issuer: corp, subject: "1" }
  bob: { kind: human, issuer: corp, subject: "1" }
  eve: { kind: human, issuer: elsewhere, subject: "2" }
  joe: { kind: human, issuer: corp }
  corp/max: { kind: human }
identity:
  issuers:
    ${corp}
    twin: { url: https://id.corp.example, clientId: c, audience: a }
    open: { url: http://id.corp.example, clientId: c, audience: a }
    query: { url: "https://u:p@id.corp.example", clientId: c, audience: a, group: g }
`).toSorted(),
    [
      '12:18: identity.issuers.twin.url: this is the address of corp already',
      '13:18: identity.issuers.open.url: an issuer is asked only over https://, or on this machine',
      '14:19: identity.issuers.query.url: an address has no user, password or fragment',
      '14:76: identity.issuers.query.group: this is not known here: is groups meant?',
      '2:35: groups.compliance.targets.0: there is no target "nowhere"; known are none',
      '2:55: groups.compliance.issuers.0: there is no issuer "crop": is corp meant?',
      '2:64: groups.idle: there are several issuers: say whose claim makes members of it, issuers: [corp, twin, open, query]',
      '5:46: principals.bob.subject: this is the subject of ann already',
      '6:31: principals.eve.issuer: there is no issuer "elsewhere"; known are query, corp, twin, open',
      '7:8: principals.joe: issuer and subject stand together: { issuer: NAME, subject: "the claim sub of its tokens" }',
      '8:3: principals.corp/max: a principal is named by 1 to 254 letters, digits, dots, dashes, underscores, + and @, and the name begins with a letter or digit; principals of an issuer get grants by groups',
    ],
  );
});

test('the configuration of the design', () => {
  const config = parse(
    `
data: ./countersign-data
listen: { http: 127.0.0.1:7070, alpha: '[::1]:0' }
tls: { cert: tls/cert.pem, key: /keys/key.pem }
targets:
  orders:
    protocol: alpha
    url: alpha://app%40x@db.internal:5432/or%20ders?tls=require
    password: { env: ORDERS_PASSWORD }      # or { file: PATH }
    durability: process
  plain: { protocol: beta, host: 10.0.0.1, user: me, path: p }
principals:
  support-bot: { kind: agent, groups: [agents], targets: [orders] }
retention: { default: { keep: 30d, facts: forever } }
limits: { loginMs: 5000, idleMs: 0 }
`,
    { ORDERS_PASSWORD: 'secret' },
    'missing',
  );
  assert.equal(config.data, '/etc/countersign/countersign-data', 'relative to the file');
  assert.deepEqual(
    [...config.listen],
    [
      ['http', { host: '127.0.0.1', port: 7070 }],
      ['alpha', { host: '::1', port: 0 }],
    ],
  );
  assert.deepEqual(config.tls, { certFile: '/etc/countersign/tls/cert.pem', keyFile: '/keys/key.pem', clientsFile: null });
  const { password, ...orders } = config.targets.get('orders') ?? {};
  assert.deepEqual(orders, {
    name: 'orders',
    protocol: 'alpha',
    scheme: 'alpha',
    host: 'db.internal',
    port: 5432,
    path: 'or ders',
    user: 'app@x',
    durability: 'process',
    options: { tls: 'require' },
  });
  assert.equal(password?.(), 'secret');
  assert.deepEqual(config.targets.get('plain'), {
    name: 'plain',
    protocol: 'beta',
    scheme: 'beta',
    host: '10.0.0.1',
    port: 2222,
    path: 'p',
    user: 'me',
    durability: 'disk',
    options: { tls: 'off' },
  });
  assert.deepEqual(config.principals.get('support-bot'), { id: 'support-bot', kind: 'agent', groups: ['agents'], targets: ['orders'] });
  assert.deepEqual(config.retention, { default: { content: 30, facts: null, floor: null }, rules: [] });
  assert.deepEqual(config.limits, { ...defaultLimits, loginMs: 5000, idleMs: 0 });
  assert.ok(Object.isFrozen(config));
});

test('an empty file is a configuration: the API on loopback, and nothing else', () => {
  const config = parse('');
  assert.deepEqual([...config.listen], [['http', { host: '127.0.0.1', port: 7070 }]]);
  assert.deepEqual(config.retention, { default: { content: 400, facts: 2555, floor: null }, rules: [] });
  assert.deepEqual([config.tls, config.keys.root, config.targets.size, config.principals.size], [null, null, 0, 0]);
});

test('retention has a default and rules, whose times are written with a unit, and says what contradicts itself at its line', () => {
  assert.deepEqual(
    parse(`
retention:
  default: { keep: 6w }
  rules:
    - { query: 'class:health', keep: 10y, floor: 6y }
    - { query: 'target:playground', keep: 30d }
    - { query: 'target:scratch', keep: 1d, facts: 90d }
    - { query: 'target:laws', keep: forever }
`).retention,
    {
      default: { content: 42, facts: 2555, floor: null },
      rules: [
        { query: 'class:health', content: 3650, facts: 3650, floor: 2190 },
        { query: 'target:playground', content: 30, facts: 2555, floor: null },
        { query: 'target:scratch', content: 1, facts: 90, floor: null },
        { query: 'target:laws', content: null, facts: null, floor: null },
      ],
    },
  );
  assert.deepEqual(parse('retention: { default: { keep: 8y } }').retention.default, { content: 2920, facts: 2920, floor: null });
  for (const [written, message] of [
    [
      '{ facts: 400, content: 90 }',
      /:1:21: retention\.facts: this is written default: \{ keep: 90d, facts: 400d \}, where keep is for contents\n.*retention\.content: /,
    ],
    [
      '{ default: { keep: 90 } }',
      /:1:31: retention\.default\.keep: a time with its unit is expected: 30d, 6w, or 7y of 365 days each, at most 100y, or forever/,
    ],
    ['{ default: { keep: 6m } }', /retention\.default\.keep: a time with its unit/],
    ['{ default: { keep: 101y } }', /at most 100y/],
    [
      '{ default: { keep: 2y, floor: forever } }',
      /retention\.default\.floor: a time with its unit is expected: 30d, 6w, or 7y of 365 days each, at most 100y$/,
    ],
    ['{ default: { keep: 8y, facts: 1y } }', /:1:\d+: retention\.default\.facts: facts are kept at least as long as contents, and keep is 8y here/],
    ["{ rules: [{ query: 'target:a', keep: 30d, floor: 60d }] }", /:1:\d+: retention\.rules\.0\.floor: keep is 30d here/],
    ["{ rules: [{ query: 'class:health', keep: 30d }] }", /:1:53: retention\.rules\.0\.keep: "class" is known only once/],
    ['{ rules: [{ keep: 30d }] }', /retention\.rules\.0\.query: text is expected/],
    [`{ rules: [${"{ query: 'target:a', keep: 30d },".repeat(101)}] }`, /retention\.rules: there are at most 100 rules/],
  ] as const) {
    assert.throws(() => parse(`retention: ${written}`), { code: 'config_invalid', message });
  }
});

test('the scheme of the URL names the protocol', () => {
  assert.equal(parse('targets: { a: { url: "alphas://h" } }').targets.get('a')?.protocol, 'alpha');
  assert.equal(parse('targets: { b: { url: "beta://[::1]:5" } }').targets.get('b')?.host, '::1');
});

test('a target may be a program, with an environment of plain values and secrets', () => {
  const text = `targets:
  files: { command: [serve, --all, ""], environment: { MODE: plain, KEY: { env: FILES_KEY } }, directory: .. }
  here: { protocol: beta, command: [./serve] }
`;
  const { targets } = parse(text, { FILES_KEY: 'secret' });
  const files = targets.get('files');
  assert.deepEqual([files?.protocol, files?.host, files?.port, files?.scheme], ['beta', '', 0, '']);
  assert.deepEqual(files?.command?.argv, ['serve', '--all', '']);
  assert.equal(files.command.directory, '/etc');
  assert.deepEqual([files.command.environment['MODE']?.(), files.command.environment['KEY']?.()], ['plain', 'secret']);
  assert.equal(targets.get('here')?.command?.directory, '/etc/countersign');
  assert.throws(() => parse(text), /targets.files.environment: the environment variable FILES_KEY is not set/);
});

test('every problem is reported with its place and the expected value', () => {
  assert.deepEqual(
    problems(`lisen: {}
listen: { alpha: 7070, gamma: 1.2.3.4:1 }
targets:
  orders:
    url: alpha://h
    durabilty: disk
  payroll: { url: alpha://h, durability: remote }
  "no name": { url: alpha://h }
  mail: { protocol: smtp, host: h }
principals:
  bot: { kind: robot, targets: [orders, oders] }
limits: { loginMs: soon }
`),
    [
      '2:18: listen.alpha: an address is HOST:PORT',
      '2:24: listen.gamma: this is not known here; known are http, alpha, beta',
      '6:5: targets.orders.durabilty: this is not known here: is durability meant?',
      '8:3: targets.no name: a name is 1 to 63 letters, digits, dots, dashes and underscores, and begins with a letter or digit',
      '9:21: targets.mail.protocol: there is no such protocol; known are alpha, beta',
      '11:16: principals.bot.kind: human or agent is expected',
      '12:20: limits.loginMs: a whole number of milliseconds from 100 to 86400000 is expected',
      '1:1: lisen: this is not known here: is listen meant?',
      '7:42: targets.payroll.durability: remote needs a bucket: storage: { s3: { bucket: NAME } }',
      '11:41: principals.bot.targets.1: there is no target "oders": is orders meant?',
    ],
  );
});

const wrong: readonly (readonly [string, string, RegExp])[] = [
  ['a password in the URL', 'targets: { a: { url: "alpha://u:p@h" } }', /1:22: targets.a.url: a password is not written here: give password/],
  ['a literal password', 'targets: { a: { url: "alpha://h", password: hunter2 } }', /targets.a.password: a secret is not written here/],
  [
    'a secret that is missing',
    'targets: { a: { url: "alpha://h", password: { env: NOT_SET } } }',
    /targets.a.password: the environment variable NOT_SET is not set/,
  ],
  ['a secret file that is missing', 'targets: { a: { url: "alpha://h", password: { file: nowhere } } }', /the file \/etc\/countersign\/nowhere cannot be read/],
  ['no address at all', 'targets: { a: { protocol: alpha } }', /a url like/],
  ['two addresses', 'targets: { a: { url: "alpha://h", host: i } }', /targets.a.host: the url says this already/],
  ['two users', 'targets: { a: { url: "alpha://u@h", user: v } }', /targets.a.user: the url says this already/],
  ['an address and a command', 'targets: { a: { url: "beta://h", command: [x] } }', /targets.a.url: a target has an address or a command, not both/],
  ['a password for a program', 'targets: { a: { command: [x], password: { env: X } } }', /targets.a.password: a program gets its secrets in its environment/],
  ['a program of a protocol that has none', 'targets: { a: { protocol: alpha, command: [x] } }', /targets.a.command: a target of alpha is no program/],
  ['an environment without a program', 'targets: { a: { url: "alpha://h", environment: {} } }', /targets.a.environment: only a target with a command has this/],
  ['a command without a program', 'targets: { a: { command: [] } }', /targets.a.command.0: text is expected/],
  ['a command for a shell', 'targets: { a: { command: "x y" } }', /targets.a.command: a program and its arguments are expected/],
  ['a number in an environment', 'targets: { a: { command: [x], environment: { PORT: 1 } } }', /targets.a.environment.PORT: text is expected, or/],
  ['no URL', 'targets: { a: { url: "alpha:h" } }', /targets.a.url: this is no URL like/],
  ['bad escapes in a URL', 'targets: { a: { url: "alpha://h/%ff" } }', /targets.a.url: this is no URL like/],
  ['an unknown scheme', 'targets: { a: { url: "gamma://h" } }', /no protocol has the scheme gamma:\/\/; known are alpha:\/\/, alphas:\/\/, beta:\/\//],
  ['scheme and protocol that contradict', 'targets: { a: { url: "beta://h", protocol: alpha } }', /targets.a.url: alpha takes alpha:\/\/, alphas:\/\//],
  ['an option that the protocol refuses', 'targets: { a: { url: "alpha://h?x=1" } }', /targets.a.url: x: not known/],
  ['the same in options', 'targets: { a: { url: "alpha://h", options: { x: 1 } } }', /1:44: targets.a.options: x: not known/],
  ['a host without a protocol', 'targets: { a: { host: h } }', /targets.a.protocol: without a url the protocol must be named/],
  ['a port out of range', 'listen: { http: "h:65536" }', /1:17: listen.http: a port is 0 to 65535/],
  ['the same key twice', 'data: a\ndata: b', /2:1: this name is there already: write all that belongs to it in one place/],
  ['broken YAML', 'targets: {', /1:11: /],
  ['a time for all of retention', 'retention: 400d', /1:12: retention: default, rules, erase are expected here$/],
  ['a list', '- a', /data, listen, .* are expected here/],
  ['a name that YAML takes for a number in a list', 'principals: { a: { kind: agent, groups: [1] } }', /groups.0: a name is text: put it in quotes/],
  ['an alias that multiplies', `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(20)}]\ndata: [${'*b,'.repeat(20)}]`, /more than 100 aliases/],
];

for (const [what, text, message] of wrong) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => parse(text),
      (error) => (error instanceof GatewayError && error.code === 'config_invalid' && message.test(error.message)) || assert.fail(String(error)),
    );
  });
}

test('names of objects in JavaScript are neither targets nor keys', () => {
  assert.match(problems('targets: { a: { url: "alpha://h" } }\nprincipals: { p: { kind: agent, targets: [toString] } }')[0] ?? '', /no target "toString"/);
  assert.match(problems('__proto__: { data: x }')[0] ?? '', /__proto__: this is not known here/);
  assert.equal(parse('targets: { constructor: { url: "alpha://h" } }').targets.get('constructor')?.host, 'h');
});

test('a secret file is read when it is asked for, so that a rotated one is taken up', () => {
  const secret = join(directory, 'password');
  const config = join(directory, 'countersign.yaml');
  writeFileSync(secret, 'one\n');
  writeFileSync(config, 'targets: { a: { url: "alpha://h", password: { file: password } } }\nkeys: { root: { env: ROOT } }\n');
  const { targets, keys } = readConfig(config, protocols, { ROOT: 'root' });
  assert.equal(targets.get('a')?.password?.(), 'one');
  writeFileSync(secret, 'two');
  assert.equal(targets.get('a')?.password?.(), 'two');
  assert.deepEqual(keys, { root: { kind: 'local', key: { env: 'ROOT' } }, previous: null, escrow: [], staleMs: 300_000 });
  assert.throws(() => readConfig(config, protocols, {}), /keys\.root: the environment variable ROOT is not set/);
  assert.match(problems('rootKey: { env: ROOT }')[0] ?? '', /1:1: rootKey: this is keys\.root now/);
});

test('who does not dial targets can do without their secrets', () => {
  const config = join(directory, 'without.yaml');
  writeFileSync(config, 'targets: { a: { url: "alpha://h", password: { env: ELSEWHERE } } }');
  const { targets } = readConfig(config, protocols, {}, 'missing');
  assert.throws(() => targets.get('a')?.password?.(), { code: 'key_unavailable' });
});

test('files and directories are found from the configuration file, wherever the gateway is started, and those that are missing are said with their place', () => {
  const config = join(directory, 'files.yaml');
  const read = (text: string, secrets?: 'missing'): Config => {
    writeFileSync(config, text);
    return readConfig(config, protocols, {}, secrets);
  };
  mkdirSync(join(directory, 'pem'));
  writeFileSync(join(directory, 'pem', 'ca.pem'), '');
  const there = read(`
tls: { cert: pem/ca.pem, key: pem/ca.pem }
targets:
  a: { url: "alpha://h", options: { ca: pem/ca.pem } }
  b: { url: "alpha://h?ca=pem/ca.pem" }
  c: { url: "alpha://h", options: { ca: ${import.meta.filename} } }
  d: { command: [x], directory: pem }
`);
  const ca = join(directory, 'pem', 'ca.pem');
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => there.targets.get(name)?.options['ca']),
    [ca, ca, import.meta.filename],
  );
  assert.equal(there.targets.get('d')?.command?.directory, join(directory, 'pem'));
  const missing = `
targets:
  a: { url: "alpha://h", options: { ca: gone.pem } }
  b: { url: "alpha://h?ca=/gone/ca.pem" }
  d: { command: [x], directory: gone }
`;
  const from = `from ${directory}: relative paths start from the directory of this file`;
  assert.throws(() => read(missing), {
    code: 'config_invalid',
    message: [
      `${config}:3:41: targets.a.options.ca: there is no gone.pem ${from}`,
      `${config}:4:13: targets.b.url: ca: there is no /gone/ca.pem`,
      `${config}:5:33: targets.d.directory: there is no gone ${from}`,
    ].join('\n'),
  });
  assert.throws(() => read('tls: { cert: gone.pem, key: pem/ca.pem }'), { message: `${config}:1:14: tls.cert: there is no gone.pem ${from}` });
  assert.equal(read(missing, 'missing').targets.get('a')?.options['ca'], join(directory, 'gone.pem'), 'the CLI needs them as little as the secrets');
});

test('a file that cannot be read is reported as such', () => {
  assert.throws(() => readConfig(join(directory, 'nowhere.yaml'), protocols, {}), { code: 'config_invalid', message: /nowhere.yaml cannot be read/ });
});

test('policies are never read in part from before a change and in part from after it', async () => {
  const around = join(directory, 'versions');
  const texts = ['// old', '// new'];
  for (const [version, text] of texts.entries()) {
    mkdirSync(join(around, String(version)), { recursive: true });
    for (let i = 0; i < 50; i += 1) {
      writeFileSync(join(around, String(version), `${i}.cedar`), text);
    }
  }
  const current = join(around, 'current');
  symlinkSync('0', current);
  // Another thread replaces the link while the files are read.
  const swap = `
    const { rmSync, symlinkSync, renameSync } = require('node:fs');
    const { current } = require('node:worker_threads').workerData;
    let version = 0;
    setInterval(() => {
      version = 1 - version;
      rmSync(current + '.next', { force: true });
      symlinkSync(String(version), current + '.next');
      renameSync(current + '.next', current);
    }, 3);`;
  const worker = new Worker(swap, { eval: true, workerData: { current } });
  await once(worker, 'online');
  for (let i = 0; i < 100; i += 1) {
    const read = new Set(readPolicySources(current).map(({ text }) => text));
    assert.equal(read.size, 1);
    await setImmediate();
  }
  await worker.terminate();
});

test('policies that cannot be listed are an error and no empty set, and only regular files of limited length are read', () => {
  const refuses = (path: string, message: RegExp): void => {
    assert.throws(() => readPolicySources(path), { code: 'config_invalid', message });
  };
  const policies = join(directory, 'policies');
  refuses(policies, /policies cannot be read: there is no such/);
  refuses(join(file, 'below'), /cannot be read/);
  mkdirSync(policies);
  assert.deepEqual(readPolicySources(policies), []);
  writeFileSync(join(policies, 'a.cedar'), '');
  truncateSync(join(policies, 'a.cedar'), 5 * 1024 ** 3);
  refuses(policies, /a\.cedar is longer than/);
  rmSync(join(policies, 'a.cedar'));
  symlinkSync('/dev/null', join(policies, 'device.cedar'));
  refuses(policies, /device\.cedar is no regular file/);
});

test('a store that gateways share is an address, a key and no password in the open', () => {
  const environment = { KEY: 'k'.repeat(32), SHORT: 'short', PASSWORD: 'pw', URL: 'postgres://me:p%20w@db.internal/ids', BAD: 'mysql://me@h/d' };
  const store = (written: string): Config['store'] => parse(`store: { postgres: { key: { env: KEY }, ${written} } }`, environment).store;
  assert.deepEqual(store('url: "postgres://me@db.internal:5433/ids", password: { env: PASSWORD }')?.settings(), {
    host: 'db.internal',
    port: 5433,
    database: 'ids',
    user: 'me',
    password: 'pw',
    tls: { caFile: null },
  });
  const { password, port, tls } = store('url: { env: URL }')?.settings() ?? {};
  assert.deepEqual([password, port, tls], ['p w', 5432, { caFile: null }]);
  assert.deepEqual(
    ['postgres://me@127.0.0.1/ids', 'postgres://me@[::1]/ids', 'postgres://me@localhost/ids'].map((url) => store(`url: "${url}"`)?.settings().tls),
    [null, null, null],
  );
  assert.equal(store('url: "postgres://me@db/ids", tls: off')?.settings().tls, null);
  const { filename: caFile } = import.meta;
  assert.deepEqual(store(`url: "postgres://me@localhost/ids", caFile: ${caFile}`)?.settings().tls, { caFile }, 'an authority is for TLS');
  assert.deepEqual([store('url: { env: URL }')?.staleMs, store('url: { env: URL }, stale: 5s')?.staleMs], [30_000, 5_000]);
  assert.equal(parse('').store, null);
  for (const [written, message] of [
    ['url: "postgres://me:pw@h/d"', /1:\d+: store.postgres.url: a password is not written here/],
    ['url: "mysql://me@h/d"', /store.postgres.url: an address is postgres:\/\//],
    ['url: { env: BAD }', /store.postgres.url: an address is postgres:\/\//],
    ['url: "postgres://me@h/d?sslmode=off"', /store.postgres.url: an address has no options here/],
    ['url: "postgres://h/d"', /store.postgres.url: an address is/],
    ['url: { env: URL }, password: { env: NOT_SET }', /store.postgres.password: the environment variable NOT_SET is not set/],
    ['url: { env: URL }, stale: 5m', /store.postgres.stale: a time from 2s to 1m is expected/],
    ['url: { env: URL }, caFile: gone.pem', /store.postgres.caFile: there is no gone.pem/],
    [`url: { env: URL }, tls: off, caFile: ${import.meta.filename}`, /store.postgres.caFile: without TLS there is no certificate/],
    ['url: { env: URL }, tls: prefer', /store.postgres.tls: verify-full or off is expected/],
  ] as const) {
    assert.throws(() => store(written), { code: 'config_invalid', message });
  }
  assert.throws(() => parse('store: { postgres: { url: "postgres://me@h/d", key: { env: SHORT } } }', environment), {
    message: /store.postgres.key: a secret/,
  });
  assert.throws(() => parse('store: {}', environment), { message: /store.postgres: / });
});

test('sinks are webhooks with a secret, or Slack, over https, and are named only where they are', () => {
  const secret = `whsec_${Buffer.alloc(24).toString('base64')}`;
  const environment = { HOOK: secret, SHORT: 'whsec_c2hvcnQ=', SLACK: 'https://hooks.slack.example/services/x', PLAIN: 'http://hooks.slack.example/' };
  const written = (sinks: string, approvals = ''): string => `${approvals}\nsinks:\n  soc: ${sinks}\n`;
  const refused = (sinks: string, approvals = ''): string => {
    try {
      parse(written(sinks, approvals), environment);
    } catch (error) {
      assert.ok(error instanceof GatewayError);
      return error.message;
    }
    return assert.fail('it was accepted');
  };
  const { sinks, approvals } = parse(
    written(
      '{ webhook: "https://soc.example/hook", secret: { env: HOOK } }\n  chat: { slack: { env: SLACK }, text: true }',
      'approvals: { notify: [soc, chat] }',
    ),
    environment,
  );
  assert.deepEqual(
    [...sinks.values()].map((sink) => [sink.kind, sink.name, takesNotices(sink) && sink.text]),
    [
      ['webhook', 'soc', false],
      ['slack', 'chat', true],
    ],
  );
  assert.deepEqual(approvals.notify, ['soc', 'chat']);
  assert.match(refused('{ webhook: "http://soc.example/hook", secret: { env: HOOK } }'), /only over https/);
  assert.match(refused('{ webhook: "https://me:pw@soc.example/", secret: { env: HOOK } }'), /no user, password/);
  assert.match(refused('{ webhook: "https://soc.example/hook" }'), /needs a secret/);
  assert.match(refused('{ webhook: "https://soc.example/hook", secret: { env: SHORT } }'), /24 to 64 random bytes/);
  assert.match(refused('{ slack: { env: PLAIN } }'), /only over https/);
  assert.match(refused('{ slack: { env: SLACK }, secret: { env: HOOK } }'), /leave secret out/);
  const own = import.meta.filename;
  const [trusting] = parse(written(`{ webhook: "https://soc.example/hook", secret: { env: HOOK }, caFile: ${own} }`), environment).sinks.values();
  assert.ok(trusting !== undefined && takesNotices(trusting));
  assert.equal(trusting.caFile, own);
  assert.match(refused('{ slack: { env: SLACK }, caFile: gone.pem }'), /sinks\.soc\.caFile: there is no gone\.pem from /);
  assert.match(refused('{ webhook: "http://localhost/hook", secret: { env: HOOK }, caFile: gone.pem }'), /leave caFile out/);
  assert.match(refused('{ smtp: { url: "smtps://u:p@h:465", from: a@b, to: [c@d] } }'), /without a password/);
  assert.match(refused('{ webhook: "https://soc.example/hook", secret: { env: HOOK }, query: "verdict:deny" }'), /query is for sinks that follow/);
  assert.match(refused('{ slack: { env: SLACK } }', 'approvals: { notify: [other] }'), /there is no sink "other"; known are soc/);
  assert.ok(!refused('{ slack: { env: PLAIN } }').includes('hooks.slack'));
});

test('sinks that follow the record are a file, or receivers over TLS, and are told with their secrets as they are', () => {
  const environment: Record<string, string> = { KEY: 'first' };
  const settings = (sink: string): unknown => {
    const [found] = parse(`sinks: { siem: ${sink} }`, environment).sinks.values();
    return found === undefined || takesNotices(found) ? assert.fail() : found.settings();
  };
  const facts = { name: 'siem', text: false, query: null, caFile: null };
  assert.deepEqual(settings('{ syslog: "tls://host" }'), { ...facts, kind: 'syslog', host: 'host', port: 6514 });
  assert.deepEqual(settings('{ syslog: "tls://[::1]:99", query: "verdict:deny" }'), { ...facts, query: 'verdict:deny', kind: 'syslog', host: '::1', port: 99 });
  assert.deepEqual(settings('{ ocsf: { file: /var/log/x }, text: true }'), { ...facts, text: true, kind: 'ocsf', file: '/var/log/x' });
  assert.deepEqual(settings('{ otlp: "http://host:4318" }'), { ...facts, kind: 'otlp', url: 'http://host:4318', authorization: null });
  const s3 = '{ s3: { url: "https://s3.example/bucket", accessKeyId: AKIA }, secret: { env: KEY } }';
  const told = { ...facts, kind: 's3', url: 'https://s3.example/bucket', region: 'us-east-1', accessKeyId: 'AKIA' };
  assert.deepEqual(settings(s3), { ...told, secretAccessKey: 'first' });
  const [sink] = parse(`sinks: { siem: ${s3} }`, environment).sinks.values();
  delete environment['KEY'];
  assert.deepEqual(sink === undefined || takesNotices(sink) ? null : sink.settings(), { ...told, secretAccessKey: '' });
  for (const [naming, at] of [
    ['approvals: { notify: [siem] }', 'approvals.notify.0'],
    ['alerts: { denied-burst: { to: [siem] } }', 'alerts.denied-burst.to.0'],
  ]) {
    assert.match(
      problems(`sinks: { siem: { ocsf: { file: x } } }\n${naming}`).join(),
      new RegExp(`^\\d+:\\d+: ${at}: siem gets what is recorded.*leave it out`),
    );
  }
  for (const [sinkText, expected] of [
    ['{ syslog: "udp://host" }', /tls:\/\/HOST:PORT is expected/],
    ['{ otlp: "http://host:4318", text: true }', /over http:\/\/ to another machine go facts alone/],
    ['{ otlp: "http://host:4318", secret: { env: KEY } }', /and no credential: leave secret and text out/],
    ['{ otlp: "http://me@host:4318" }', /an address has no user, password or fragment/],
    ['{ s3: { url: "https://s3.example/bucket", accessKeyId: AKIA } }', /s3 needs a secret/],
    ['{ ocsf: { file: x }, syslog: "tls://host" }', /a sink has one of webhook, slack, smtp, ocsf, syslog, otlp, s3/],
    ['{ ocsf: { file: x }, query: "since:1d" }', /leave times out/],
    ['{ ocsf: { file: x }, query: "verdict:no" }', /sinks\.siem\.query: verdict has no value "no"/],
  ] as const) {
    assert.match(problems(`sinks: { siem: ${sinkText} }`).join(), expected, sinkText);
  }
});

test('data classes are columns and members of targets that there are', () => {
  const refused = (classes: string): string => problems(`targets: { a: { url: "alpha://h" } }\nclasses: ${classes}`).join('\n');
  assert.match(refused('{ salary: { columns: [employees.salary] } }'), /classes\.salary\.columns\.0: TARGET\/SCHEMA\.TABLE\.COLUMN is expected/);
  assert.match(refused('{ salary: { fields: ["a/salary"] } }'), /TARGET:\/MEMBER\/MEMBER is expected/);
  assert.match(refused('{ salary: { columns: [b/public.employees.salary] } }'), /there is no target "b"; known are a$/);
  assert.match(
    refused('{ salary: { fields: ["a:/salary"] } }'),
    /^2:31: classes\.salary\.fields\.0: a is a target of Alpha: its values are named under columns,/,
  );
  assert.match(
    problems('targets: { b: { url: "beta://h" } }\nclasses: { salary: { columns: ["*/x.y.z", b/public.employees.salary] } }').join('\n'),
    /^2:43: classes\.salary\.columns\.1: b is a target of Beta: its values are named under fields, as TARGET:\/MEMBER\/MEMBER$/,
  );
  assert.match(refused('{ salary: {} }'), /a class has columns, fields, a pattern, words or classes/);
  assert.match(refused('{ Salary: { columns: [a/public.employees.salary] } }'), /1 to 63 small letters, digits and dashes/);
  assert.match(refused("{ badge: { pattern: '(?=B)-[0-9]{6}' } }"), /classes\.badge\.pattern: at character 3: \(\?…\) is not supported/);
  assert.match(refused('{ unknown: { pattern: x } }'), /no class is called unknown/);
  assert.match(refused('{ mine: { classes: [emial] } }'), /^2:30: classes\.mine\.classes\.0: there is no class "emial": is email meant\?/m);
  assert.match(refused('{ mine: { classes: [email, mine] } }'), /^2:37: classes\.mine\.classes\.1: the class "mine" names itself: name the classes/m);
  assert.match(
    refused('{ one: { classes: [two] }, two: { classes: [email, three] }, three: { classes: [one] }, four: { classes: [one] } }'),
    /^2:29: .* "one" names itself by way of "two".*\n2:61: .* "two" names itself by way of "three".*\n2:90: .* "three" names itself by way of "one".*$/,
  );
  assert.match(
    problems('targets: { a: { url: "alpha://h", inspect: [card, iban-number-x] } }').join('\n'),
    /targets\.a\.inspect\.1: there is no class "iban-number-x": countersign class list/,
  );
  assert.match(refused('{ staff: { words: gone.txt } }'), /classes\.staff\.words: there is no .*gone\.txt/);
  const known = parse(
    `targets: { a: { url: "alpha://h" }, b: { url: "beta://h" } }\nclasses: { salary: { columns: ["*/public.*.salary", "a/public.b.c"], fields: ["b:/employees/*/salary"] } }`,
  );
  assert.deepEqual(known.classes.get('salary'), {
    name: 'salary',
    columns: ['*/public.*.salary', 'a/public.b.c'],
    fields: ['b:/employees/*/salary'],
    pattern: null,
    words: [],
    classes: [],
  });
});

test('roles, and their faults, each at its place', () => {
  const config = parse(`
roles:
  analyst: { groups: [compliance], may: [list, facts] }
  case-17: { role: auditor, groups: [auditors], since: 2026-10-01, until: 2026-12-31, query: "target:orders", expires: 2027-01-31 }
`);
  assert.deepEqual(config.roles, [
    { name: 'analyst', role: 'analyst', groups: ['compliance'], may: ['list', 'facts'], conditions: [], expiresMs: null },
    {
      name: 'case-17',
      role: 'auditor',
      groups: ['auditors'],
      may: ['list', 'search', 'facts', 'content', 'export'],
      conditions: ['target:orders', 'since:2026-10-01', 'until:2026-12-31'],
      expiresMs: Date.UTC(2027, 1, 1),
    },
  ]);
  assert.deepEqual(
    problems(`
roles:
  analyst: { groups: [] }
  readers: { groups: [a] }
  owner: { role: analyst, groups: [a] }
  administrator: { groups: [a], query: "target:orders" }
  case-18: { role: auditor, groups: [a], since: 2026-10-01 }
  case-19: { role: auditor, groups: [a], since: "2026-10-01 or verdict:deny", until: 2026-12-31 }
  words: { role: analyst, groups: [a], query: "target:orders refund" }
  typo: { role: analyst, groups: [a], query: "traget:orders" }
  more: { role: auditor, groups: [a], may: [watch], since: 2026-10-01, expires: 2027-01-31 }
  turned: { role: auditor, groups: [a], since: 2026-10-01, until: 2026-09-30 }
`),
    [
      '3:22: roles.analyst.groups: a role is given to groups: [GROUP]',
      '4:12: roles.readers: readers is no built-in role: say which one it is, role: administrator, operator, approver, analyst, auditor, owner',
      '5:18: roles.owner.role: the name owner is that of a built-in role: call it something else, or leave role out',
      '6:40: roles.administrator.query: the role administrator is not limited to some records: leave query out',
      '7:12: roles.case-18: an auditor reads the records of a time: since and until are needed, or since and expires',
      '8:49: roles.case-19.since: a time is written 2026-11-29, 2026-11-29T14:30 or 2026-11-29T14:30:00Z, in UTC',
      '9:47: roles.words.query: words of the text do not say which records a role is about: use fields, as target:orders',
      '10:46: roles.typo.query: There is no field "traget": is target meant? (at character 1)',
      '11:44: roles.more.may: the role auditor does not watch: may takes away, and leaves some of list, search, facts, content, export',
      '12:67: roles.turned.until: until is before since, so the role would read nothing',
    ],
  );
});

test('storage is a bucket, whose credentials are where AWS has them unless it says otherwise', () => {
  const environment = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', OTHER: 'other' };
  const storage = (written: string, given: NodeJS.ProcessEnv = environment): Config['storage'] => parse(`storage: { s3: { ${written} } }`, given).storage;
  const plain = { bucket: 'record', region: 'us-east-1', endpoint: null, prefix: '', caFile: null, lock: null, behindMs: 600_000 };
  const secrets = { accessKeyId: { env: 'AWS_ACCESS_KEY_ID' }, secretAccessKey: { env: 'AWS_SECRET_ACCESS_KEY' }, sessionToken: null };
  assert.deepEqual(storage('bucket: record'), { ...plain, ...secrets, keepLocal: { days: null, bytes: null } });
  assert.deepEqual(storage('bucket: record, secretAccessKey: { env: OTHER }, lock: governance, keepLocal: { days: 30 }, prefix: a/b/'), {
    ...plain,
    ...secrets,
    prefix: 'a/b/',
    lock: 'governance',
    secretAccessKey: { env: 'OTHER' },
    keepLocal: { days: 30, bytes: null },
  });
  for (const [written, message] of [
    ['bucket: A', /storage.s3.bucket: the name of a bucket is 3 to 63/],
    ['bucket: record, prefix: audit', /storage.s3.prefix: .*a slash at the end/],
    ['bucket: record, endpoint: "ftp://h"', /storage.s3.endpoint: https:/],
    ['bucket: record, accessKeyId: { env: GONE }', /storage.s3.accessKeyId: the environment variable GONE is not set/],
  ] as const) {
    assert.throws(() => storage(written), { code: 'config_invalid', message });
  }
  assert.throws(() => storage('bucket: record', {}), /the environment variable AWS_ACCESS_KEY_ID is not set/);
});
