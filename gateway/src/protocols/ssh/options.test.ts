import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sshOptions } from './options.ts';

const key = `ssh-ed25519 ${'A'.repeat(68)}`;

test('a target names its host keys, or says that any will do', () => {
  const refused = (options: unknown): string => sshOptions.safeParse(options).error?.issues[0]?.message ?? '';
  for (const options of [{}, { hostKeys: 'none' }]) {
    assert.match(refused(options), /^hostKeys has the public keys of the target, as \["ssh-ed25519 AAAA…"\]/, JSON.stringify(options));
  }
  assert.match(refused({ hostKeys: [] }), /at least|>=1/);
  assert.match(refused({ hostKeys: [key.replace('ed25519', 'dss')] }), /^A host key is written as in known_hosts/);
  assert.equal(sshOptions.parse({ hostKeys: 'any' }).hostKeys, 'any');
  assert.deepEqual(sshOptions.parse({ hostKeys: [key], users: 'ops,ann' }).users, ['ops', 'ann']);
});
