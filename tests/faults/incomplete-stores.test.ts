import assert from 'node:assert/strict';
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exitCodes } from '../../ledger/src/verdict.ts';
import { GatewayProcess, type CliResult } from '../support/gateway-process.ts';

/** The parts that are taken from a data directory, and the messages about the rest. */
const parts = [
  { name: 'journal', list: /copy is a gateway's data directory without its journal\/, .*restore it/, index: /without its journal/ },
  { name: 'keys.db', list: /keys\.db is missing, .*restore the file\. countersign verify needs none/, index: /keys\.db is missing/ },
  { name: 'root.key', list: /root\.key is missing, .*COUNTERSIGN_ROOT_KEY/, index: /root\.key is missing, .*COUNTERSIGN_ROOT_KEY/ },
  { name: 'index.db', list: null, index: /it is not there\. It is a cache/ },
];

describe('a store of which something is missing', () => {
  let gateway: GatewayProcess;
  const copy = (): string => {
    const to = join(gateway.directory, 'copy');
    rmSync(to, { recursive: true, force: true });
    cpSync(gateway.data, to, { recursive: true });
    return to;
  };
  const list = (data: string): CliResult => gateway.command(['session', 'list', '--data', data]);
  const verify = (...words: readonly string[]): CliResult => gateway.command(['verify', ...words]);
  before(async () => {
    gateway = await GatewayProcess.start({ config: 'targets: {}\nprincipals:\n  agent: { kind: agent, targets: [] }\n' });
    assert.equal(await gateway.signal('SIGTERM'), 0);
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
  });

  for (const { name, list: listed, index } of parts) {
    test(`T4.34: without ${name} it is said what is missing, and which one reason index.db was not compared for`, () => {
      const data = copy();
      rmSync(join(data, name), { recursive: true });
      const { status, stderr } = list(data);
      assert.equal(status, listed === null ? 0 : 1, stderr);
      assert.match(stderr, listed ?? /^$/);
      const lines = verify('--data', data).stdout.split('\n');
      const said = lines.filter((line) => line.startsWith('index.db '));
      assert.equal(said.length, 1);
      assert.match(said[0] ?? '', /^index\.db was not compared with the journal: /);
      assert.match(said[0] ?? '', index);
    });
  }

  test('T4.34: if a journal cannot be read to its end, the output says that the counts are of a part of it', async () => {
    assert.match(verify('--data', copy()).stdout, /was stopped in good order\.\n(?!.*followed no further)/);
    await gateway.start();
    assert.equal(await gateway.signal('SIGTERM'), 0);
    const data = copy();
    const segment = join(data, 'journal', '000000000001.segment');
    const bytes = readFileSync(segment);
    const at = Math.floor(bytes.findLastIndex((byte) => byte !== 0) / 2);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(segment, bytes);
    const { status, stdout } = verify('--data', data);
    assert.equal(status, exitCodes.integrity);
    assert.match(stdout, /\n {2}the journal could be followed no further: what lies behind this was not checked, and is in none of these counts\n/);
    assert.doesNotMatch(stdout, /good order/);
  });

  test('T4.34: a directory that is not a store is named as such, and the message says what a store is', () => {
    const nowhere = join(gateway.directory, 'nowhere');
    assert.match(list(nowhere).stderr, /nowhere is no data directory of a gateway: there is no such directory/);
    const missing = verify('--data', nowhere);
    assert.equal(missing.status, exitCodes.malformed);
    assert.deepEqual(
      [missing.stdout, missing.stderr],
      ['', `countersign: there is no directory ${nowhere}: a store is a gateway's data directory, or a copy of journal/ and log/ from it\n`],
    );
    const empty = join(gateway.directory, 'empty');
    mkdirSync(empty);
    assert.match(list(empty).stderr, /empty is no data directory of a gateway: it holds no journal/);
    const nothing = verify('--data', empty);
    assert.equal(nothing.status, exitCodes.malformed);
    assert.match(nothing.stdout, /^NOT READABLE: .*\n {2}a store is a gateway's data directory, or .*\n {2}malformed: .*not a store.*\n$/);
  });

  test('T4.34: an invalid key or checkpoint is named, and the message says what a valid one is', () => {
    const directory = gateway.directory;
    for (const [words, says] of [
      [['--key', join(directory, 'nofile')], /--key \S+nofile: there is no such file, and it is no verifier key itself.*log\/key/],
      [['--key', gateway.configFile], /--key \S+countersign\.yaml: this file holds no verifier key.*log\/key/],
      [['--key', directory], /--key \S+: it is a directory/],
      [['--known', join(directory, 'nofile')], /--known \S+nofile: there is no such file.*log\/checkpoint/],
    ] as const) {
      const { status, stdout, stderr } = verify('--data', gateway.data, ...words);
      assert.deepEqual([status, stdout], [exitCodes.malformed, '']);
      assert.match(stderr, says);
    }
    assert.match(verify('--data', gateway.data).stdout, /Without --key, .*not whose key that is\. Give log\/key of the gateway/);
    assert.doesNotMatch(verify('--data', gateway.data, '--key', join(gateway.data, 'log', 'key')).stdout, /Without --key/);
    const data = copy();
    rmSync(join(data, 'log', 'key'));
    assert.match(verify('--data', data).stdout, /there is no key in it to check signatures with: give log\/key/);
  });

  test('T4.34: a flipped bit after the last record is named, and hides no record', async () => {
    await gateway.start();
    await gateway.signal('SIGKILL');
    const data = copy();
    const segment = join(data, 'journal', basename(gateway.segment()));
    const unharmed = verify('--data', data);
    assert.equal(unharmed.status, 0, unharmed.stdout);
    const fd = openSync(segment, 'r+');
    writeSync(fd, Buffer.from([1]), 0, 1, statSync(segment).size - 100);
    closeSync(fd);
    const { status, stdout } = verify('--data', data);
    assert.equal(status, 0, stdout);
    assert.match(
      stdout,
      /behind the last record are \d+ bytes that are neither a record nor empty: what a crash left of a write, or damage where nothing was recorded\./,
    );
    assert.equal(recordsIn(stdout), recordsIn(unharmed.stdout));
  });
});

function recordsIn(stdout: string): string | undefined {
  return /(\d+) records of/.exec(stdout)?.[1];
}
