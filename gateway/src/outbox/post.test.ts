import assert from 'node:assert/strict';
import { test } from 'node:test';
import { post } from './post.ts';

test('A10: a receiver at a link-local address, where a cloud serves credentials, is not dialled', async () => {
  for (const host of ['169.254.169.254', '[::ffff:169.254.169.254]', '[fe80::1]', '0xa9fea9fe']) {
    const url = new URL(`https://${host}/hook`);
    await assert.rejects(
      post(url, [], { body: '{}', signal: AbortSignal.timeout(5000) }),
      { code: 'target_unreachable', message: /link-local.* and for no sink\.$/ },
      host,
    );
  }
});
