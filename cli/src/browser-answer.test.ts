import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrowserAnswer } from './browser-answer.ts';

test('B19: only the browser that was sent with the state ends the wait', async () => {
  await using answer = await BrowserAnswer.open(0, 'the-state');
  const { address } = answer;
  for (const other of ['?code=forged&state=other', '?code=forged', 'favicon.ico?state=the-state']) {
    assert.equal((await fetch(address + other)).status, 404, other);
  }
  assert.equal((await fetch(`${address}?code=forged&state=the-state`, { method: 'POST' })).status, 404);
  assert.equal((await fetch(`${address}?code=right&state=the-state`)).status, 200);
  assert.equal((await answer.received).searchParams.get('code'), 'right');
});

test('a sign-in that is given up does not keep its port', async () => {
  const answer = await BrowserAnswer.open(0, 'the-state');
  await answer[Symbol.asyncDispose]();
  await assert.rejects(answer.received, /the sign-in was given up/);
  await assert.rejects(fetch(answer.address));
});
