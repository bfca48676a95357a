import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyIn } from './policy-text.ts';

const version = `@id("grant:a:shop")
permit (principal, action, resource);
@id("grant:b:shop")
permit (principal == Principal::"b", action, resource);

// rules.cedar:one
@id("one")
// Why: it is so.
forbid (principal, action, resource);

// rules.cedar:two
@id("two")
permit (principal, action, resource);
`;

test('the text of one policy is found in that of all, whether it is a grant or of a file', () => {
  assert.equal(policyIn(version, 'grant:a:shop'), '@id("grant:a:shop")\npermit (principal, action, resource);');
  assert.equal(policyIn(version, 'grant:b:shop'), '@id("grant:b:shop")\npermit (principal == Principal::"b", action, resource);');
  assert.equal(policyIn(version, 'rules.cedar:one'), '// rules.cedar:one\n@id("one")\n// Why: it is so.\nforbid (principal, action, resource);');
  assert.equal(policyIn(version, 'rules.cedar:two'), '// rules.cedar:two\n@id("two")\npermit (principal, action, resource);');
  assert.equal(policyIn(version, 'countersign'), null);
});
