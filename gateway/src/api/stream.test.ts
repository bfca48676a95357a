import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nothing } from '../query/query.ts';
import { streamPieces } from './stream.ts';

test('T4.45: a reader that leaves while a piece is made for it is no failure', async () => {
  const made = Promise.withResolvers<void>();
  let isGivenUp = false;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from('first');
      await made.promise;
      yield Buffer.from('second');
    } finally {
      isGivenUp = true;
    }
  }
  const broken: Error[] = [];
  const answer = await streamPieces(
    pieces(),
    {
      caller: {
        id: 'operator',
        onBehalfOf: null,
        address: '',
        standing: null,
        rights: [],
        rules: { rules: [], policyVersion: '' },
        contentOfTwo: nothing,
        contentAlone: nothing,
        check: () => undefined,
        requireFresh: () => undefined,
      },
      breakOff: (error) => broken.push(error),
    },
    'text/plain',
  );
  const reader = answer.body?.getReader();
  assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), 'first');
  const left = reader?.cancel();
  made.resolve();
  await left;
  await new Promise(setImmediate);
  assert.ok(isGivenUp);
  assert.deepEqual(broken, []);
});
