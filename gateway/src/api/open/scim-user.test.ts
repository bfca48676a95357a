import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patchUser } from './scim-user.ts';

const user = { userName: 'ann', externalId: '00u-ann', emails: ['ann@corp.example'], isActive: true };
const gone = { op: 'replace', path: 'active', value: false };

test('E48: who is deactivated is, whatever else the operations of a directory say', () => {
  for (const operations of [
    [gone],
    [{ op: 'remove', path: 'externalId' }, gone],
    [gone, { op: 'remove', path: 'name.familyName' }],
    [{ op: 'Replace', path: ' Active ', value: 'False' }],
    [{ op: 'replace', path: 'urn:ietf:params:scim:schemas:core:2.0:User:active', value: false }],
    [{ op: 'replace', value: { active: false } }],
    [{ op: 'add', value: { 'urn:ietf:params:scim:schemas:core:2.0:User:active': 'false' } }],
    [gone, { op: 'remove', path: 'active' }],
  ]) {
    assert.equal(patchUser(user, { Operations: operations }).isActive, false, JSON.stringify(operations));
  }
});

test('operations that say nothing that could be kept are refused and change nothing', () => {
  for (const [operation, expected] of [
    [{ op: 'replace', value: 'False' }, /without a path, value is an object/],
    [{ op: 'replace' }, /without a path, value is an object/],
    [{ op: 'replace', path: 'active', value: 'no' }, /active is true or false/],
    [{ op: 'remove', path: 'userName' }, /username: a text is expected/],
    [{ op: 'move', path: 'active', value: false }, /op is add, replace or remove/],
  ] as const) {
    assert.throws(() => patchUser(user, { Operations: [operation] }), { code: 'malformed', message: expected });
  }
});
