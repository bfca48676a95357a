import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CommandThread } from '../support/command-thread.ts';

const session = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';

interface Misuse {
  readonly words: string;
  readonly status: number;
  readonly says: RegExp;
}

/** The first mistakes of a new user, with the exit code and the advice that the message must give. */
const misuses: readonly Misuse[] = [
  { words: '', status: 2, says: /Usage: countersign/ },
  { words: 'sesion list', status: 2, says: /Did you mean session/ },
  { words: 'session list --nope', status: 2, says: /unknown option.*\n.*--help/ },
  { words: 'session show --config good.yaml', status: 2, says: /missing required argument 'id'/ },
  { words: 'session show short --config good.yaml', status: 2, says: /32 hex digits|session/ },
  { words: 'trace 12 --config good.yaml', status: 2, says: /A record looks like 0123456789abcdef\/42, or like SESSION#4/ },
  { words: 'session replay --speed fast --config good.yaml ID', status: 2, says: /A number above 0/ },
  { words: 'token create agent --ttl soon --config good.yaml', status: 2, says: /Write 90s, 30m, 1h or 7d/ },
  { words: 'verify --max-age soon', status: 2, says: /Write 90s/ },
  { words: 'session list', status: 1, says: /countersign\.yaml cannot be read: there is no such file.*countersign init makes one; --config FILE/ },
  { words: 'up --config bad.yaml', status: 1, says: /bad\.yaml:2:1: prinzipals:.*is principals meant/ },
  { words: 'session list --config good.yaml', status: 1, says: /no data directory of a gateway/ },
  {
    words: 'session list --config new.yaml',
    status: 1,
    says: /^countersign: \S+new holds tokens and no record: no gateway has started here yet\. countersign up starts one/,
  },
  { words: 'run --as agent --config good.yaml -- true', status: 1, says: /no gateway is running.*countersign up --config/ },
  {
    words: 'policy try rules.cedar --config good.yaml',
    status: 1,
    says: /^countersign: \S+ is no data directory of a gateway: .*\. countersign up makes one, --config FILE or --data DIR names another\.$/m,
  },
  { words: 'token list --config new.yaml', status: 0, says: /^tok_\w+ {2}agent {2}until \S+\n$/ },
  { words: 'class test card=4111-1111-1111-1111', status: 0, says: /^5-24 {2}card {2}4111-1111-1111-1111\n$/ },
  { words: 'class test B-123456 --config classes.yaml', status: 0, says: /^0-8 {2}badge {2}B-123456\n$/ },
  { words: 'class test nothing --json', status: 0, says: /^No value of a class was found in the 7 bytes of this text\.\n$/ },
  { words: 'class test rules.cedar', status: 0, says: /^No value of a class was found in the 37 bytes of this file\.\n$/ },
  { words: 'class list --config classes.yaml', status: 0, says: /^badge {2}pattern B-\[0-9\]\{6\}, email\n$/m },
  { words: 'run -- true', status: 2, says: /outside a run '--as <principal>' says who/ },
  { words: 'connect shop --as agent --config good.yaml', status: 1, says: /no gateway is running.*countersign up/ },
  { words: 'session halt ID --config good.yaml', status: 1, says: /no gateway is running.*countersign up/ },
  { words: 'token create nobody --config good.yaml', status: 1, says: /no principal "nobody".*countersign principal add/ },
  { words: 'target add shop postgres://x@y/z --config good.yaml', status: 1, says: /shop/ },
  { words: 'target add new 127.0.0.1:5432 --config good.yaml', status: 1, says: /targets\.new\.url: this is no URL like SCHEME:/ },
  { words: 'target add new gopher://x@y/z --config good.yaml', status: 1, says: /no protocol has the scheme gopher.*known are .*postgres/ },
  { words: 'session list --url http://127.0.0.1:1', status: 1, says: /COUNTERSIGN_TOKEN/ },
  { words: 'verify nothing.bundle', status: 5, says: /there is no file nothing\.bundle.*session export/ },
  { words: 'verify good.yaml', status: 5, says: /NOT READABLE/ },
  { words: 'verify one two', status: 5, says: /one file is verified at a time, and two is a second one.*--anchor/ },
  { words: 'verify --anchor nowhere store', status: 5, says: /--anchor nowhere: there is no such directory.*the directory anchor of a witness/ },
  { words: 'verify --anchor . nowhere', status: 5, says: /there is no directory nowhere: a store is a gateway's data directory/ },
  { words: 'witness status --anchor .', status: 5, says: /NOT READABLE.*not an anchor log: no checkpoint, no key/s },
  { words: 'witness enrol nothing --data nowhere', status: 1, says: /the key nothing: there is no such file.*log\/key/ },
  {
    words: 'witness retire countersign/0123456789abcdef --data nowhere --reason x',
    status: 1,
    says: /there is no witness here\. countersign witness serve makes one/,
  },
  { words: 'verify --data nowhere', status: 5, says: /there is no directory nowhere: a store is a gateway's data directory/ },
];

describe('a command that cannot do what was asked says what to do:', () => {
  let directory: string;
  delete process.env['COUNTERSIGN_TOKEN'];
  const thread = new CommandThread();
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-usage-'));
    const target = 'targets: { shop: { url: "postgres://app@127.0.0.1:1/shop" } }';
    writeFileSync(join(directory, 'good.yaml'), `data: ./data\n${target}\nprincipals: { agent: { kind: agent, targets: [shop] } }\n`);
    writeFileSync(join(directory, 'new.yaml'), `data: ./new\n${target}\nprincipals: { agent: { kind: agent, targets: [shop] } }\n`);
    assert.equal(thread.runIn(directory, { words: ['token', 'create', 'agent', '--config', 'new.yaml'] }).status, 0);
    writeFileSync(join(directory, 'classes.yaml'), `${target}\nclasses: { badge: { pattern: 'B-[0-9]{6}', classes: [email] } }\n`);
    writeFileSync(join(directory, 'rules.cedar'), 'permit (principal, action, resource);');
    writeFileSync(join(directory, 'bad.yaml'), `${target}\nprinzipals: {}\n`);
  });
  after(async () => {
    await thread[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const { words, status, says } of misuses) {
    test(`countersign ${words}`, () => {
      const list = words.split(' ').flatMap((word) => (word === '' ? [] : [word === 'ID' ? session : word]));
      const result = thread.runIn(directory, { words: list });
      assert.match(result.stdout + result.stderr, says);
      assert.equal(result.status, status);
      assert.doesNotMatch(result.stderr, /\n {4}at /);
    });
  }
});
