import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { findData } from '../../gateway/src/config/find.ts';
import { whatIsLive } from '../../gateway/src/config/sections.ts';
import { CommandThread, type CommandResult } from '../support/command-thread.ts';

describe('a configuration', () => {
  let directory: string;
  let file: string;
  const thread = new CommandThread();
  after(async () => {
    await thread[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-configuration-'));
    file = join(directory, 'countersign.yaml');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });
  const run = (words: string, environment: Readonly<Record<string, string>> = {}): CommandResult =>
    thread.runIn(directory, { words: words.split(' '), environment });

  test('T4.35: is written with comments by init, grows by the commands that init names, and is checked', () => {
    const made = run('init');
    assert.equal(made.status, 0, made.stderr);
    assert.equal(statSync(file).mode & 0o007, 0, 'not for others');
    const named = made.stdout.split('\n').flatMap((line) => / {2}\.\/countersign ((?:target|principal|token) .*)$/.exec(line)?.[1] ?? []);
    assert.deepEqual(
      named.map((words) => words.split(' ')[0]),
      ['target', 'principal', 'token'],
    );
    for (const words of named) {
      const { status, stderr } = run(words);
      assert.equal(status, 0, stderr);
    }
    const text = readFileSync(file, 'utf8');
    assert.match(text, /^# The configuration of a Countersign gateway/);
    assert.ok(text.includes(`# ${whatIsLive()}\n`));
    assert.match(text, /^targets:\n {2}orders:\n {4}url: /m);
    const { status, stdout } = run('config check', { ORDERS_PASSWORD: 'x' });
    assert.equal(status, 0);
    assert.match(stdout, /^target {5}orders: postgres at db\.internal:5432\/orders as app, with a credential of its own; durability disk/m);
    assert.match(stdout, /^principal {2}support-bot: agent of agents; reaches orders$/m);
    assert.doesNotMatch(stdout, /NOTE/);
    const cases =
      '- { principal: support-bot, target: orders, action: postgres.query, text: SELECT app.total(1), expect: deny, policy: "agents.cedar:unknown" }\n';
    writeFileSync(join(directory, 'cases.yaml'), cases);
    assert.equal(run('policy test cases.yaml').status, 0, 'the policy that init writes applies to the agent that it adds');
    assert.match(stdout, /^root key {3}root\.key, which the first start makes in the data directory; COUNTERSIGN_ROOT_KEY is not set here/m);
    const given = run('config check', { ORDERS_PASSWORD: 'x', COUNTERSIGN_ROOT_KEY: '0'.repeat(64) }).stdout;
    assert.match(given, /^root key {3}from COUNTERSIGN_ROOT_KEY, which is set here$/m);
  });

  test('T4.35: what init gives as examples is valid when its marks are taken away', () => {
    run('init');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll(/^#( {2}.*)$/gm, '$1').replaceAll(/^# (tls|keys|classes|retention): /gm, '$1: '));
    const { status, stdout, stderr } = run('config check --without-secrets');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /claude: llm at api\.anthropic\.com:443/);
    assert.match(stdout, /ann: human of admins, administers and reads no content; reaches orders/);
    assert.match(stdout, /orders: .*; tags environment=production; inspected for email;/);
    assert.match(stdout, /^class {6}health: icd10, nhs-number$/m);
    assert.match(stdout, /http on 127\.0\.0\.1:7070, TLS/);
  });

  test('T4.40: each example of init is valid when the marks of its lines alone are taken away', () => {
    run('init');
    const text = readFileSync(file, 'utf8');
    const examples = text.match(/^# {2}\w.*\n(?:# {3,}.*\n)*/gm) ?? [];
    assert.equal(examples.length, 6);
    const [orders = '', claude = '', tools = '', tickets = '', bot = '', ann = ''] = examples;
    for (const taken of [[], [orders], [claude], [tools], [tickets], [orders, claude, bot], [orders, ann]]) {
      writeFileSync(
        file,
        taken.reduce((whole, example) => whole.replace(example, example.replaceAll(/^#/gm, '')), text),
      );
      const { status, stdout, stderr } = run('config check --without-secrets');
      assert.equal(status, 0, stderr);
      assert.equal(stdout.match(/^(?:target|principal) /gm)?.length ?? 0, taken.length);
    }
    writeFileSync(file, text);
    assert.match(run('target add mail https://mail.internal --inspect emial').stderr, /targets\.mail\.inspect\.0: there is no class "emial": is email meant\?/);
    assert.equal(run('target add mail https://mail.internal --inspect email,card').status, 0);
    const grown = readFileSync(file, 'utf8');
    assert.deepEqual(
      grown.split('\n').filter((line) => !text.split('\n').includes(line)),
      ['  mail:', '    url: https://mail.internal', '    inspect:', '      - email', '      - card'],
      'all else is as it was',
    );
  });

  test('init puts a policy beside the configuration that denies agents what cannot be seen through at a database, and nothing else', () => {
    run('init');
    for (const words of [
      'target add orders postgres://app@db.internal/orders --tag environment=production --tag zone=inside',
      'target add mail https://mail.internal',
      'principal add bot --group agents --target orders',
      'principal add ann --kind human --group dba',
    ]) {
      assert.equal(run(words).status, 0);
    }
    const policy = join(directory, 'policies', 'agents.cedar');
    const cases = join(directory, 'cases.yaml');
    writeFileSync(
      cases,
      `- { principal: bot, target: orders, action: postgres.query, text: SELECT app.total(1), expect: deny, policy: "agents.cedar:unknown" }
- { principal: bot, target: orders, action: postgres.query, text: DELETE FROM orders, expect: allow }
`,
    );
    const { status, stdout } = run(`policy test ${cases}`);
    assert.equal(status, 0, stdout);
    assert.deepEqual([run('policy check').stdout], ['1 policy in 1 file is valid\n']);
    // The other policies of the file are valid too: the target has the tag that one of them is about.
    assert.match(readFileSync(file, 'utf8'), /tags:\s+environment: production\s+zone: inside\n/);
    const text = readFileSync(policy, 'utf8');
    writeFileSync(policy, text.replaceAll(/^\/\/ (?=@|forbid|when|unless)/gm, ''));
    assert.equal(run('policy check').stdout.split('\n').at(-2), '4 policies in 1 file are valid');
  });

  test('init leaves a policy that is there', () => {
    mkdirSync(join(directory, 'policies'));
    writeFileSync(join(directory, 'policies', 'agents.cedar'), '// mine\n');
    const { status, stdout } = run('init');
    assert.equal(status, 0);
    assert.match(stdout, /^wrote \.\/countersign\.yaml\. Next:/);
    assert.equal(readFileSync(join(directory, 'policies', 'agents.cedar'), 'utf8'), '// mine\n');
  });

  test('T4.35: init names the data directory that is asked for', () => {
    for (const data of ['/var/lib/countersign', './a:"b"#c', '123', 'null']) {
      const { status, stderr } = run(`init --config other.yaml --data ${data}`);
      assert.deepEqual([status, stderr], [0, '']);
      assert.equal(findData(join(directory, 'other.yaml')), resolve(directory, data));
      rmSync(join(directory, 'other.yaml'));
    }
  });

  test('T4.35: init leaves a file that is there', () => {
    writeFileSync(file, 'targets: {}\n');
    const { status, stderr } = run('init');
    assert.equal(status, 1);
    assert.match(stderr, /countersign\.yaml is there already/);
    assert.equal(readFileSync(file, 'utf8'), 'targets: {}\n');
  });

  test('T4.35: an init that cannot write names the file that was meant', () => {
    const { status, stderr } = run('init --config missing/countersign.yaml');
    assert.equal(status, 1);
    assert.match(stderr, /missing\/countersign\.yaml: there is no such file or directory/);
    assert.doesNotMatch(stderr, /\.new/);
  });

  test('T4.35: check says how targets of PostgreSQL are reached, and for how long what is recorded is kept', () => {
    writeFileSync(
      file,
      `targets:
  far: { url: "postgres://app@db.internal/shop" }
  near: { url: "postgres://app@127.0.0.1/shop" }
  said: { url: "postgres://app@127.0.0.1/shop?sslmode=require" }
principals: { bot: { kind: agent, targets: [far, near, said] } }
`,
    );
    const { status, stdout } = run('config check');
    assert.equal(status, 0);
    assert.match(stdout, /^target .*far: .* sslmode=verify-full\b/m);
    assert.match(stdout, /^target .*near: .* sslmode=off\b/m);
    assert.match(stdout, /^target .*said: .*\bsslmode=require\b/m);
    assert.match(stdout, /^retention  by default: contents are kept for 400d, facts for 7y$/m);
  });

  test('T4.35: check says what a start would refuse, and which settings are probably mistakes', () => {
    writeFileSync(
      file,
      `listen: { http: 0.0.0.0:7070, ssh: 0.0.0.0:7022, kubernetes: 0.0.0.0:7443 }
targets: { shop: { url: "postgres://app@db/shop", password: { env: NOT_SET } }, spare: { url: "http://spare" } }
principals: { bot: { kind: agent, targets: [shop] } }
roles: { analyst: { groups: [compliance], query: 'target:shop not class:healht' } }
alerts: { leaks: { query: 'target:shpo rows:>5' } }
classes: { health: { classes: [icd10] } }
retention: { rules: [{ query: 'target:shopp', keep: 1y }, { query: 'class:helth or class:email', keep: 6y, floor: 6y }, { query: 'class:health', keep: 2y }] }
`,
    );
    const missing = run('config check');
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /countersign\.yaml:2:\d+: targets\.shop\.password: the environment variable NOT_SET is not set/);
    const { status, stdout } = run('config check --without-secrets');
    assert.equal(status, 0);
    assert.match(stdout, /^NOTE .*http can be reached from other machines without TLS/m);
    assert.doesNotMatch(stdout, /(?:ssh|kubernetes) can be reached from other machines without TLS/, 'they encrypt by themselves');
    assert.match(stdout, /^NOTE .*shop cannot be reached: listen has no address for postgres/m);
    assert.match(stdout, /^NOTE .*spare is granted to nobody/m);
    assert.match(stdout, /^NOTE .*the rule of retention for target:shopp: there is no target "shopp": is shop meant\?$/m);
    assert.match(stdout, /^NOTE .*the rule of retention for class:helth or class:email: there is no class "helth": is health meant\?$/m);
    assert.match(stdout, /^NOTE .*role analyst: there is no class "healht": is health meant\?$/m);
    assert.match(stdout, /^NOTE .*the rule leaks for alerts: there is no target "shpo": is shop meant\?$/m);
    assert.equal(stdout.match(/there is no class/g)?.length, 2);
    assert.match(stdout, /^NOTE .*role analyst is had by nobody: no principal is in compliance, and no token names it/m);
  });

  test('found: check refuses policies that a start would refuse, counts the others, and prints options and approvals readably', () => {
    writeFileSync(
      file,
      `listen: { http: 127.0.0.1:7070, postgres: 127.0.0.1:7432 }
policies: ./policies
approvals: { wait: 90m, mode: return }
targets:
  shop: { url: "postgres://app@127.0.0.1/shop", tags: { zone: inside }, inspect: [email, number], mode: observe, options: { functions: { app.total: read } } }
  api: { url: "http://127.0.0.1", options: { routes: ["/orders/{id}"], body: { amount: /order/amount } } }
classes:
  number: { columns: [shop/public.orders.number], fields: ["api:/order/number"] }
  badge: { pattern: 'B-[0-9]{6}', classes: [number, icd10] }
  email: { twoPersons: true }
alerts: { off-hours: { to: [soc] } }
sinks:
  soc: { webhook: "https://soc.example/hook", secret: { env: SIGNS }, text: true }
  chat: { slack: { env: HOOK } }
principals: { bot: { kind: agent, targets: [shop, api] } }
`,
    );
    mkdirSync(join(directory, 'policies'));
    writeFileSync(
      join(directory, 'policies', 'one.cedar'),
      'forbid (principal, action, resource) when { principal.kind == "agent" && context.effects.contains("write") };',
    );
    writeFileSync(join(directory, 'policies', 'two.cedar'), 'forbid (principal, action, resource) when { principal.knd == "agent" };');
    const environment = { HOOK: 'https://hooks.slack.example/canary', SIGNS: `whsec_${Buffer.alloc(24).toString('base64')}` };
    const faulty = run('config check', environment);
    assert.match(faulty.stderr, /two\.cedar:1:45: .*`knd`/);
    assert.deepEqual([faulty.status, faulty.stdout], [1, '']);
    writeFileSync(
      join(directory, 'policies', 'two.cedar'),
      '@reason("no")\nforbid (principal, action, resource) when { context.effects.contains("administer") };\n'.repeat(3),
    );
    const { status, stdout } = run('config check', environment);
    assert.equal(status, 0);
    assert.match(stdout, /^class {6}number: shop\/public\.orders\.number, api:\/order\/number$/m);
    assert.match(stdout, /^class {6}badge: pattern B-\[0-9\]\{6\}, number, icd10$/m);
    assert.match(stdout, /^class {6}email: content with it is opened by two persons$/m);
    assert.match(
      stdout,
      /^sink {7}soc: webhook at https:\/\/soc\.example\/hook; gets facts and texts\nsink {7}chat: an incoming webhook of Slack; gets facts alone$/m,
    );
    assert.match(stdout, /^alerts {5}off-hours to soc; 19 other rules to the list alone$/m);
    assert.doesNotMatch(stdout, /canary/);
    assert.match(stdout, /^policies {3}\.\/policies: 4 in 2 files$/m);
    assert.match(stdout, /^approvals {2}a request is held for at most 90m; whoever asks is told at once; notices to nobody$/m);
    assert.match(stdout, /^target {5}shop: .*; tags zone=inside; inspected for email, number; policies are observed and not enforced; /m);
    assert.match(stdout, /^target {5}shop: .* functions=\{"app\.total":\["read"\]\} .*sslmode=off$/m);
    assert.match(stdout, /^target {5}api: .* routes=\["\/orders\/\{id\}"\] body=\{"amount":"\/order\/amount"\} /m);
  });

  test('policy check has a note where a policy names a column of which no value is seen', () => {
    const notes = (inspect: string, more = ''): string => {
      const classes = `classes: { salary: { columns: [shop/public.staff.salary] }, pay: { classes: [salary${more}] } }`;
      writeFileSync(file, `targets: { shop: { url: "postgres://app@127.0.0.1/shop", inspect: [${inspect}] } }\n${classes}\n`);
      return run('policy check rules.cedar').stdout;
    };
    const rule = (column: string): void => {
      writeFileSync(join(directory, 'rules.cedar'), `forbid (principal, action, resource) when { context.carries.contains("shop/public.staff.${column}") };\n`);
    };
    rule('name');
    assert.match(notes('pay'), /^NOTE .*never has "shop\/public\.staff\.name": shop is inspected for pay, and this is a place of none of them$/m);
    assert.doesNotMatch(notes('pay', ', email'), /NOTE/, 'an address may be in any column');
    assert.doesNotMatch(notes('email'), /NOTE/);
    rule('salary');
    assert.doesNotMatch(notes('pay'), /NOTE/);
  });

  test("A10: a target at an address of the link, or of a machine's metadata, is told with its place, unless its option allows it", () => {
    writeFileSync(
      file,
      `listen: { http: 127.0.0.1:0, postgres: 127.0.0.1:0 }
targets:
  literal: { url: "http://169.254.169.254/latest" }
  number:
    url: postgres://app@2852039166/x
  sixth: { protocol: http, host: "fe80::1%2" }
  named: { url: "http://metadata.google.internal" }
  meant: { url: "http://169.254.169.254", options: { linkLocal: true } }
  plain: { url: "http://127.0.0.1" }
  program: { command: [serve] }
principals: { bot: { kind: agent, targets: [literal, number, sixth, named, meant, plain, program] } }
`,
    );
    const { status, stdout } = run('config check');
    assert.equal(status, 0);
    const notes = stdout.split('\n').filter((line) => line.startsWith('NOTE'));
    assert.deepEqual(
      notes.map((note) => /countersign\.yaml:(\d+:\d+: targets\.\w+): \S+ is link-local.*options: \{ linkLocal: true \} allows it$/.exec(note)?.[1]),
      ['3:19: targets.literal', '5:10: targets.number', '6:3: targets.sixth', '7:17: targets.named'],
    );
  });
});
