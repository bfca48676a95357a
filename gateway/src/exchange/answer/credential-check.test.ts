import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../domain/errors.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { MemoryChannel } from '../../wire/testdata/memory-channel.ts';
import { CredentialCheck } from './credential-check.ts';
import { ReceivedAnswer } from './testdata/received-answer.ts';

interface Checked {
  readonly received: ReceivedAnswer;
  readonly channel: MemoryChannel;
  readonly check: CredentialCheck;
}

/** Gives an answer with this status and these pieces to the stage. It has no end yet. */
function begin(status: number, pieces: readonly string[], changes: readonly TextChange[] = []): Checked {
  const received = new ReceivedAnswer();
  const channel = new MemoryChannel();
  const check = new CredentialCheck({ channel, request: 1, changes }, received);
  check.onHead({ status, statusText: 'X', rawHeaders: ['a', 'b'] });
  for (const piece of pieces) {
    check.onBytes(Buffer.from(piece));
  }
  return { received, channel, check };
}

test('an answer with another status passes at once, one that may be a refusal is held until it is whole', () => {
  const passing = begin(200, ['one', 'two']);
  assert.equal(passing.received.body, 'onetwo');
  const { received, check } = begin(403, ['one', 'two']);
  assert.deepEqual([received.headers, received.body], [[], '']);
  check.onEnd(['t', '1']);
  assert.deepEqual([received.headers, received.body, received.trailers], [['a', 'b'], 'onetwo', ['t', '1']]);
});

test('an answer that is longer than what is held passes, with all that follows', () => {
  const { received, check } = begin(403, ['x'.repeat(10_000), 'y'.repeat(10_000)]);
  assert.equal(received.bytes, 20_000);
  check.onBytes(Buffer.from('API_KEY_INVALID'));
  check.onEnd([]);
  assert.deepEqual([received.bytes, received.isEnded], [20_015, true]);
});

test('what came of a held answer that is cut passes before the error', () => {
  const { received, check } = begin(403, ['one']);
  check.onError(new GatewayError('target_unreachable', 'It is cut.'));
  assert.deepEqual([received.body, received.error?.code, received.isEnded], ['one', 'target_unreachable', false]);
});

test('a refusal is an alert with its changed texts, and nothing of it goes on, whatever follows', () => {
  const stars: TextChange = (text) => text.replaceAll(/secret-\w+/g, '***');
  for (const [status, said] of [
    [401, 'no secret-1'],
    [403, 'API_KEY_INVALID secret-1'],
  ] as const) {
    const { received, channel, check } = begin(status, [said, 'x'.repeat(20_000)], [stars]);
    check.onBytes(Buffer.from('more'));
    check.onEnd([]);
    check.onError(new GatewayError('target_unreachable', 'It is cut.'));
    assert.deepEqual([received.headers, received.bytes, received.isEnded, received.error?.code], [[], 0, false, 'target_refused_credential']);
    assert.deepEqual(
      channel.records.map(({ kind }) => kind),
      ['alert'],
    );
    assert.match(channel.records[0]?.text ?? '', /\*\*\*/);
    assert.doesNotMatch(channel.records[0]?.text ?? '', /secret-1/);
  }
});
