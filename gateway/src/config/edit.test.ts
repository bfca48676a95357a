import { strict as assert } from 'node:assert';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { addToConfig } from './edit.ts';
import { parseConfig } from './parse.ts';
import { protocols } from './testdata/protocols.ts';
import { watchConfig } from './watch.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-edit-'));
after(() => {
  rmSync(directory, { recursive: true });
});

const validate = (text: string): void => {
  parseConfig(text, { file: '/c.yaml', protocols, environment: {}, secrets: 'missing' });
};

const commented = `# Who we are.
targets:
  # The shop.
  orders:
    url: alpha://db/orders # its database
principals: { bot: { kind: agent } } # one
`;

test('an entry is added; comments, order and mode stay', () => {
  const file = join(directory, 'commented.yaml');
  writeFileSync(file, commented);
  chmodSync(file, 0o604);
  addToConfig(file, { section: 'targets', name: 'mail', value: { url: 'beta://mail', password: { env: 'MAIL' } } }, validate);
  addToConfig(file, { section: 'principals', name: 'ann', value: { kind: 'human', targets: ['mail'] } }, validate);
  assert.equal(
    readFileSync(file, 'utf8'),
    `# Who we are.
targets:
  # The shop.
  orders:
    url: alpha://db/orders # its database
  mail:
    url: beta://mail
    password:
      env: MAIL
principals: { bot: { kind: agent }, ann: { kind: human, targets: [ mail ] } } # one
`,
  );
  assert.equal(statSync(file).mode & 0o777, 0o604);
});

test('an entry that does not validate or exists already changes nothing', () => {
  const file = join(directory, 'unchanged.yaml');
  writeFileSync(file, commented);
  const { mtimeNs } = statSync(file, { bigint: true });
  const add = (name: string, value: unknown) => () => {
    addToConfig(file, { section: 'targets', name, value }, validate);
  };
  assert.throws(add('orders', { url: 'alpha://other' }), { code: 'conflict', message: /has targets.orders already/ });
  assert.throws(add('mail', { url: 'gamma://mail' }), { code: 'config_invalid' });
  assert.equal(readFileSync(file, 'utf8'), commented);
  assert.equal(statSync(file, { bigint: true }).mtimeNs, mtimeNs);
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith('unchanged')),
    ['unchanged.yaml'],
  );
});

test('a file that is broken, missing, or reached by a link', () => {
  const broken = join(directory, 'broken.yaml');
  writeFileSync(broken, 'targets: {');
  const entry = { section: 'targets', name: 'a', value: { url: 'alpha://h' } } as const;
  assert.throws(
    () => {
      addToConfig(broken, entry, validate);
    },
    { code: 'config_invalid' },
  );
  const fresh = join(directory, 'fresh.yaml');
  addToConfig(fresh, entry, validate);
  assert.equal(readFileSync(fresh, 'utf8'), 'targets:\n  a:\n    url: alpha://h\n');
  const link = join(directory, 'link.yaml');
  symlinkSync(fresh, link);
  addToConfig(link, { ...entry, name: 'b' }, validate);
  assert.match(readFileSync(fresh, 'utf8'), /b:\n {4}url/);
});

test('a watcher tells of a change once, also when the file is replaced or was away', async () => {
  const file = join(directory, 'watched.yaml');
  writeFileSync(file, 'data: a');
  let changes = 0;
  const changed = async (count: number): Promise<void> => {
    await waitUntil(() => changes >= count);
    await delay(700);
    assert.equal(changes, count);
  };
  using _watcher = watchConfig(
    () => [file],
    () => {
      changes += 1;
    },
  );
  writeFileSync(file, 'data: b');
  await changed(1);
  addToConfig(file, { section: 'targets', name: 'a', value: { url: 'alpha://h' } }, validate);
  await changed(2);
  rmSync(file);
  await changed(2);
  writeFileSync(file, 'data: c');
  await changed(3);
});
