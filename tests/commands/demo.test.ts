import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { mainFile } from '../support/main-file.ts';
import { compareOpenedAlone } from '../support/opened-alone.ts';
import { requireProgram } from '../support/require-program.ts';
import { waitUntil } from '../support/wait-until.ts';

const root = join(import.meta.dirname, '..', '..');
const demoMs = 180_000;
/** Five screens of fifty lines, and the steps of the tour. */
const linesMax = 270;

describe('the demo', requireProgram('ssh', 'redis-server', 'redis-cli'), () => {
  let status: number | null;
  let shown = '';
  let complaints = '';
  /** The files that are there afterwards. */
  let left: readonly string[];
  /** The lines of the session as it is shown in brief. */
  let timeline: readonly string[];
  before(() => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-once-'));
    // As root, the demo starts its database as another user.
    chmodSync(directory, 0o711);
    // The token is for another gateway.
    const environment = { ...process.env, TMPDIR: directory, COUNTERSIGN_TOKEN: 'cs_x' };
    const ended = spawnSync(process.execPath, [mainFile, 'demo', '--once'], { cwd: root, env: environment, encoding: 'utf8', timeout: demoMs });
    ({ status, stdout: shown, stderr: complaints } = ended);
    left = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    rmSync(directory, { recursive: true });
    timeline = shown.split('\n').filter((line) => /^\d\d:\d\d:\d\d\.\d{3} /.test(line));
  });
  const shows = (...expected: readonly (string | RegExp)[]): void => {
    for (const each of expected) {
      assert.ok(typeof each === 'string' ? shown.includes(each) : each.test(shown), `${String(each)} is not in:\n${shown}`);
    }
  };

  test('T4.35: ends by itself, on few screens, leaves nothing behind and says what to type next', () => {
    assert.equal(status, 0, shown + complaints);
    assert.deepEqual(
      left.filter((file) => !/^countersign-tour-\w+(?:$|\/)/.test(file)),
      [],
    );
    assert.ok(shown.split('\n').length <= linesMax, shown);
    shows('In this checkout, ./countersign is what the lines with $ call countersign.');
    shows('A gateway of your own: ./countersign init', 'The same with data to look at: ./countersign demo');
  });

  test('the agent is refused a DELETE without WHERE', () => {
    shows(
      /tool: run_sql \{"query":"DELETE FROM orders"\}\n {2}refused: countersign: Say which rows: a DELETE or UPDATE needs a WHERE clause/,
      /→ shop DENIED postgres\.query DELETE FROM orders \[agents\.cedar:where\] Say which rows: a DELETE or UPDATE needs a WHERE clause\.\n/,
    );
  });

  test('its shell at another machine is masked, and may only read there', () => {
    shows(
      /tool: run_shell \{"command":"grep 101 parcels\.log"\}\n {2}shell: 101 left Dover, told \[email\]\n/,
      /tool: run_shell \{"command":"rm parcels\.log"\}\n {2}refused: countersign: Agents only read at the depot and in carts/,
      /→ depot ssh\.exec grep 101 parcels\.log \[grant:support-bot:depot, agents\.cedar:output\]\n\S+ ← depot 101 left Dover, told \[email\] exit status 0 #\d+–#\d+ masked email=1\n/,
      /→ depot DENIED ssh\.exec rm parcels\.log \[agents\.cedar:reads\] Agents only read at the depot and in carts\.\n/,
    );
  });

  test('a second database is masked, and may only be read', () => {
    shows(
      /tool: run_redis \{"command":\["HGETALL","cart:1"\]\}\n {2}cart: item \| analytical engine \| told \| \[email\]\n/,
      /tool: run_redis \{"command":\["FLUSHALL"\]\}\n {2}refused: .*Agents only read at the depot and in carts/,
      /→ carts redis\.command HGETALL cart:1 \[grant:support-bot:carts, agents\.cedar:output\]\n\S+ ← carts .+ masked email=1\n/,
      /→ carts DENIED redis\.command FLUSHALL \[agents\.cedar:reads\] Agents only read at the depot and in carts\.\n/,
    );
  });

  test('it waits while a person approves an UPDATE from another terminal', () => {
    const [, approval = ''] = /notice: countersign: .+ it waits for approval by dba; countersign approval grant (ap_\w+)/.exec(shown) ?? [];
    assert.match(approval, /^ap_/, shown);
    shows(
      new RegExp(
        `ann\\$ countersign approval list\\n${approval} +waiting +support-bot +shop +postgres\\.query +0/1 of dba +asked +\\d+s ago +expires in +\\d+m +UPDATE orders SET state`,
      ),
      new RegExp(`ann\\$ countersign approval grant ${approval} .+\\ngranted ${approval}: the request goes on\\n\\n {2}model: My notes of May`),
      /→ shop HELD postgres\.query UPDATE orders .*\[agents\.cedar:production, grant:support-bot:shop, agents\.cedar:lists\] Changes in production/,
      new RegExp(
        `\\? shop approval ${approval} waiting for dba\\n.* \\? shop approval ${approval} granted by ann: the parcel service says so\\n.* ← shop UPDATE 1\\n`,
      ),
    );
  });

  test('addresses and cards are masked in rows and in the words of the model, and numbers of orders and prices stay', () => {
    shows(
      ' 1 | Ada Byron | [email] | **** **** **** 4242\n        2 | Alan Mathison | [email] | **** **** **** 4444\n',
      ' 101 | difference engine | 1250000 | open\n',
      '  model: My notes of May say of Ada Byron: order 101, [email], card **** **** **** 4242. Is that still her address?\n',
      /← shop 6 rows: id \| name .* #\d+ masked card=6, email=6\n/,
      /← model My notes of May say of Ada Byron: order 101, \[email\], .* #\d+(–#\d+)? masked card=1, email=1\n/,
      '  the database has  Ada Byron | ada@example.com | 4242 4242 4242 4242\n  the agent got     Ada Byron | [email] | **** **** **** 4242\n',
    );
  });

  test('the model never gets the name of a customer, and its answers name her', () => {
    shows(
      /→ model llm\.chat user: customer_[0-9a-f]{16} asks where .* #\d+ masked customer=1 \[/,
      '  model: I look at the order of Ada Byron, its parcel, the list of the depot, her cart and our customers.\n',
      /\n {2}the model got {5}customer_[0-9a-f]{16} asks where order 101 is\./,
      '  its answer names  Ada Byron: order 101, [email], card **** **** **** 4242\n',
    );
    const asked = timeline.filter((line) => line.includes('→ model'));
    assert.deepEqual(
      asked.filter((line) => /Ada|Alan|Grace|Konrad|Edsger|Barbara/.test(line) || !/ masked customer=\d/.test(line)),
      [],
    );
  });

  test('an address left the database, was carried in a prompt, and was stopped on its way to the outside; trace says so too', () => {
    const [, came = '', number = ''] = /\n\S+ (← shop 1 row: email \/ ada@example\.com #(\d+) saw email)\n/.exec(shown) ?? [];
    assert.ok(came !== '', shown);
    const carries = `#\\d+ carries email of shop\\/public\\.customers\\.email from #${number}`;
    shows(
      new RegExp(`→ model llm\\.chat tool result .* ${carries}, masked`),
      '! model llm.chat values of other targets go to model: email of shop/public.customers.email\n',
      new RegExp(`→ checker DENIED http\\.request POST \\/addresses .* ${carries} \\[agents\\.cedar:stays\\] That is a customer's address`),
      "  refused: That is a customer's address: it stays in the house.\n",
      new RegExp(
        `\\$ countersign trace (\\w{8}#\\d+)\\n\\1 .* checker {2}http\\.request {2}deny {2}agents\\.cedar:stays\\nemail {2}1 value {2}shop/public\\.customers\\.email\\n {2}← \\w{8}#${number} .* shop {2}postgres\\.query\\n {2}→ .* model {2}llm\\.chat {2}allow .*\\n {2}→ \\1 .* checker {2}http\\.request {2}deny`,
      ),
    );
  });

  test('it is refused the sixth mail of the hour', () => {
    const [, asked = ''] = /model: Then not. Now I tell our customers\.\n([^]+?)\n {2}model:/.exec(shown) ?? [];
    assert.deepEqual(
      asked.split('\n').map((line) => line.trim().split(' ').slice(0, 2).join(' ')),
      [...Array.from({ length: 6 }, () => 'tool: send_mail'), 'refused: the'],
    );
    shows(/refused: the limit is 5 requests per 1h, and 5 are used: there is room again in (about 1h|\d+m)\n/);
    const [answers, denied] = [timeline.filter((line) => line.includes('← mail')), timeline.filter((line) => line.includes('→ mail DENIED'))];
    assert.deepEqual([answers.length, denied.length], [5, 1], shown);
    assert.match(denied[0] ?? '', /"customer":6,.*\[agents\.cedar:mail\] the limit is 5 requests per 1h/);
  });

  test('it is halted in mid-stream, and its client sees why', () => {
    shows(
      /operator\$ countersign session halt (\w{32}) .+\nhalted \1\n/,
      /relay-3[^]*\n {2}ended: countersign: The session was halted by an operator: it looks for a way around a limit \(session \w{32}\)\n/,
      /← model CUT OFF \(halted\) One mail is left, so I look for a way around the limit: relay-1/,
      /× halted the operator on the gateway's machine ended it: it looks for a way around a limit\n/,
    );
    assert.ok(!shown.includes('relay-1000'), 'the answer ends because of the halt');
  });

  test('the joined session shows prompts, tools, statements and rows of all targets, and each decision with the policy that made it', () => {
    shows(
      /→ model llm\.chat user: /,
      /← shop 6 rows: id \| name \| email \| card \/ 1 \| Ada Byron/,
      /← tools The parcel left Dover this morning/,
      '"state":"queued"}',
    );
    // The errand of three days before, at the end, has policies of its own.
    const decided = timeline.filter((line) => line.includes(' → ') && !line.includes(' → playground '));
    assert.ok(decided.length > 15, shown);
    assert.deepEqual(
      decided.filter((line) => !/ \[(?:(?:grant:support-bot|agents\.cedar):[a-z]+(?:, )?)+\]/.test(line)),
      [],
    );
  });

  test('policy try shows what a stricter set would have done to it', () => {
    shows(
      /support-bot {2}shop {2}postgres\.query {2}hold -> deny {2}agents\.cedar:read-only {2}1 request {2}record \w{16}\/\d+\n/,
      /support-bot {2}mail {2}http\.request {2}allow -> deny {2}agents\.cedar:read-only {2}5 requests {2}newest record \w{16}\/\d+\n/,
      /^6 of \d+ recorded requests would have been decided otherwise; 0 cannot be decided again$/m,
    );
  });

  test('the record answers the agent as the targets did, is verified, and a forged copy is exposed', () => {
    shows(
      /It said the same, all \d+ lines, and was refused, held and halted as before/,
      'HOLDS',
      'DOES NOT HOLD',
      'Something may count as missing because of the damage above',
      'the record cannot be edited unnoticed',
    );
    shows(/Who has the keys of the store too, as here, also sees[^]*sealed bodies were opened/, /A permit alone, as these, lets nobody connect/);
    assert.doesNotMatch(shown, /Without --key|records a second/);
  });

  test('in the end the questions of an analyst are answered over all records', () => {
    shows(
      /search 'table:customers effect:read kind:statement since:90d'\n(?:\w{8}#\d+ {2}\S+Z {2}support-bot {2}shop {2}postgres\.query {2}(?:select: read|update: read, write) {2}\w+ {2}\S*grant:support-bot:shop\S* {2}\S.*\n)+\d records\. The index has all that is recorded\.\n/,
      /search 'model:sample-\* target:shop kind:change since:90d'\n\w{8}#\d+ {2}\S+Z {2}support-bot {2}shop {2}postgres\.query {2}update: [^\n]*write {2}hold {2}agents\.cedar:production,\S+ {2}UPDATE orders [^\n]+\n\w{8}#\d+ {2}\S+Z {2}support-bot {2}shop {2}postgres\.query {2}delete: [^\n]*destroy[^\n]* {2}deny {2}agents\.cedar:where {2}DELETE FROM orders\n2 records\./,
    );
  });

  test('what has expired is deleted at the end: the content is gone, and the facts and the proof are there', () => {
    const [, first = '', second = '', verified = ''] =
      /\n1\d\. How a record ends\.[^]*?--brief\n([^]*?)\$ countersign retention run\n[^]*?--brief\n([^]*?)\$ countersign verify --retention [^\n]*\n([^]*)/.exec(
        shown,
      ) ?? [];
    assert.match(first, /→ playground http\.request POST \/orders \{"customer":"Ada Byron"/, shown);
    assert.match(second, /→ playground http\.request \(content deleted\) \[grant:trial-bot:playground\]\n\S+ ← playground \(content deleted\)\n/);
    assert.doesNotMatch(second, /Ada/);
    assert.match(verified, /^HOLDS: it is whole and signed\n[^]*2 are erased\n[^]*deleted: 1 key of class 2 expired\n/);
    shows(/deleted: what class 2 keeps until \d{4}-\d\d-\d\d\n1 key destroyed on /);
  });

  test(
    'a browser goes through the console: by the link to the conversation, the approval, the halt, the search, the proof and the evidence',
    requireProgram('chromium'),
    () => {
      const steps = ['now', 'session', 'play', 'trace', 'approval', 'live', 'search', 'integrity', 'evidence'];
      assert.deepEqual(
        [...shown.matchAll(/^ {2}\d-(\w+)\.png +\w/gm)].map(([, step]) => step),
        steps,
        complaints,
      );
      assert.equal(left.filter((file) => file.endsWith('.png')).length, steps.length);
      shows(/The pictures are in \S+countersign-tour-\w+, until you delete it\./);
    },
  );
});

test('T4.35: kept, the demo serves until Ctrl-C with a statement that waits and a run that goes on, and nothing is deleted unannounced; verbose, it prints the texts whole', async () => {
  using child = spawn(process.execPath, [mainFile, 'demo', '--keep', '--verbose'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  const link = /http:\/\/localhost:\d+\/sign-in#[\w-]{43}\n/;
  await waitUntil(() => link.test(said), demoMs);
  const [, config = ''] = /session list --config (\S+)/.exec(said) ?? [];
  const cli = (...words: readonly string[]): { readonly status: number | null; readonly stdout: string } =>
    spawnSync(process.execPath, [mainFile, ...words, '--config', config], { cwd: root, encoding: 'utf8' });
  await waitUntil(() => /waiting +stock-bot .+ UPDATE orders/.test(cli('approval', 'list').stdout), demoMs);
  const running = cli('session', 'list');
  assert.equal(running.status, 0);
  assert.match(running.stdout, /halted .+ support-bot/);
  assert.match(running.stdout, /open .+ watch-bot/);
  for (const expected of [
    'llm.chat model',
    'tool call run_sql',
    'postgres.query shop deny',
    'policies=agents.cedar:where',
    'state=granted by=ann',
    'mcp.call_tool tools',
  ]) {
    assert.ok(said.includes(expected), `${expected} is not in:\n${said}`);
  }
  const ended = once(child, 'close');
  child.kill('SIGINT');
  assert.deepEqual(await ended, [0, null]);
  const [, directory = ''] = /the data are in (\S+), until you delete it/.exec(said) ?? [];
  try {
    const typed = [...said.slice(said.indexOf('That was all')).matchAll(/^ {2}\.\/countersign (.+)$/gm)].map(([, words = '']) => words.split(' '));
    typed.push(['verify', '--data', join(directory, 'store')]);
    const codes = typed.map((words) => spawnSync(process.execPath, [mainFile, ...words], { cwd: root, stdio: 'ignore' }).status);
    assert.deepEqual(codes, [0, 1, 0], 'the list of sessions, the forged copy, and the store with the searches');
    assert.ok((await compareOpenedAlone(join(directory, 'store'))) > 150, 'a search opens each record as its session has it');
    const listed = spawnSync(process.execPath, [mainFile, 'session', 'list', '--config', config], { cwd: root, encoding: 'utf8' });
    assert.equal(listed.stderr, `No gateway runs on ${directory}/store: its files are read, and no session in them is being served.\n`);
    assert.match(listed.stdout, /support-bot/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('T4.35: a demo that is interrupted on the way leaves nothing running, and says where its data are', async () => {
  for (const [signal, code, reached] of [
    ['SIGINT', 130, 'tool: run_sql'],
    ['SIGTERM', 143, '1. A little shop'],
  ] as const) {
    using child = spawn(process.execPath, [mainFile, 'demo'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    // Not before all that it started has let go of its output.
    const closed = once(child, 'close');
    await waitUntil(() => said.includes(reached), demoMs);
    child.kill(signal);
    assert.deepEqual(await closed, [code, null], said);
    const [, directory = ''] = /Interrupted\. Nothing runs any more; what there is of the data is in (\S+), until you delete it\./.exec(said) ?? [];
    assert.match(directory, /countersign-demo-/, said);
    rmSync(directory, { recursive: true });
  }
});
