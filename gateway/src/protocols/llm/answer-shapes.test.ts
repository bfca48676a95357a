import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertMaskedAlike, maskAll } from '../../../../tests/support/every-cut.ts';
import { ChangedAnswer } from '../../exchange/answer/changed-answer.ts';
import { ReceivedAnswer } from '../../exchange/answer/testdata/received-answer.ts';
import { findParts, findPartsInUnknown } from './streamed-texts.ts';
import { answerShapes } from './testdata/answer-shapes.ts';
import { forms, joined } from './testdata/streamed-forms.ts';

for (const shape of answerShapes.filter((each) => each.serve('').messages === undefined)) {
  test(`${shape.outcome} however its bytes are cut: ${shape.name}`, async () => {
    await assertMaskedAlike(shape, shape.path === '/v1/own' ? findPartsInUnknown : findParts);
  });
}

const said = 'to ada.lovelace7c1a@example.com, who paid with 4111-1111-1111-1111 for order 4111-2200-17 on 2024-05-06';

for (const [name, [wire, { piece, ends = [] }]] of Object.entries(forms)) {
  test(`masked however events cut it, beside another text that is cut in other places: ${name}`, () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(lengths, lengths, (one, other) => {
        const of = (which: 0 | 1, sizes: readonly number[]): readonly object[] => {
          let at = 0;
          const cuts = sizes.map((size) => said.slice(at, (at += size)));
          return [...cuts, said.slice(at)].filter((text) => text !== '').map((text) => piece(which, text));
        };
        const [first, second] = [of(0, one), of(1, other)];
        const events = Array.from({ length: Math.max(first.length, second.length) }, (_, i) => [...first.slice(i, i + 1), ...second.slice(i, i + 1)]).flat();
        const received = new ReceivedAnswer();
        const answer = new ChangedAnswer({ changes: [maskAll()], frameBytesMax: 100_000, findParts }, received);
        answer.onHead({ status: 200, statusText: 'OK', rawHeaders: ['content-type', wire.type] });
        answer.onBytes(wire.write([...events.map((event) => ({ ...event })), ...ends]));
        answer.onEnd([]);
        const masked = said.replace('ada.lovelace7c1a@example.com', '[email]').replace('4111-1111-1111-1111', '[card]');
        assert.deepEqual([received.error, joined(wire.read(received.bodyBytes))], [null, [masked, masked]]);
      }),
      { numRuns: 40 },
    );
  });
}

test('D39: lists that spell the answer token by token are left out, and what only counts or names tokens stays', () => {
  const tokens = ['ada.', 'lovelace', '7c1a', '@example', '.com'].map((token) => ({ token, bytes: [...Buffer.from(token)], logprob: -0.5, top_logprobs: [] }));
  const ids = [15, 91, 22];
  const usage = { top_logprobs: 5, tokens: ids, context: 'in the code', avgLogprobs: -0.25 };
  for (const [given, expected] of [
    [{ choices: [{ logprobs: { content: tokens }, delta: { content: 'Yes' } }] }, { choices: [{ logprobs: null, delta: { content: 'Yes' } }] }],
    [{ choices: [{ logprobs: { tokens: ['a', 'b'], top_logprobs: [{ a: -1 }] }, text: 'ab' }] }, { choices: [{ logprobs: null, text: 'ab' }] }],
    [{ choices: [{ logprobs: null, token_ids: ids, prompt_token_ids: [] }] }, { choices: [{ logprobs: null, token_ids: [], prompt_token_ids: [] }] }],
    [
      { type: 'response.output_text.delta', item_id: 'i', delta: 'Yes', logprobs: tokens },
      { type: 'response.output_text.delta', item_id: 'i', delta: 'Yes', logprobs: [] },
    ],
    [{ candidates: [{ avgLogprobs: -0.25, logprobsResult: { chosenCandidates: tokens } }] }, { candidates: [{ avgLogprobs: -0.25, logprobsResult: null }] }],
    [
      { response: '', done: true, context: ids, logprobs: tokens },
      { response: '', done: true, context: [], logprobs: [] },
    ],
    [usage, usage],
    [
      { context: ids, id: 'c' },
      { context: ids, id: 'c' },
    ],
  ]) {
    for (const [type, before, after] of [
      ['application/json', '', ''],
      ['text/event-stream', 'data: ', '\n\n'],
    ] as const) {
      const received = new ReceivedAnswer();
      const answer = new ChangedAnswer({ changes: [maskAll()], frameBytesMax: 100_000, findParts }, received);
      answer.onHead({ status: 200, statusText: 'OK', rawHeaders: ['content-type', type] });
      answer.onBytes(Buffer.from(`${before}${JSON.stringify(given)}${after}`));
      answer.onEnd([]);
      assert.equal(received.bodyBytes.toString(), `${before}${JSON.stringify(expected)}${after}`);
    }
  }
});
