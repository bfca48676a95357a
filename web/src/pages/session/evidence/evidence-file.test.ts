import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evidenceFile } from './evidence-file.ts';

test('a file of evidence asks for nothing, and neither its program nor its name ends where it should not', () => {
  const file = evidenceFile('0a"><img>', 'AQID', 'const text = "</script><p>";');
  assert.match(file, /content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"/);
  assert.match(file, /<title>0a<\/title>/);
  assert.match(file, /id="bundle">AQID<\/script>/);
  assert.equal(file.split('</script>').length, 3);
});
