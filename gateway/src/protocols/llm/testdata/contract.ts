import type { ProtocolContract } from '../../../../../tests/support/contract.ts';
import { answerShapes } from './answer-shapes.ts';

/** @public The tests find it by the protocol's id. */
export const contract: ProtocolContract = {
  transport: 'exchange',
  ways: [
    {
      target: 'llm',
      path: '/v1/chat/completions',
      type: 'application/json',
      headers: { 'x-stainless-lang': 'js', 'x-stainless-retry-count': '0' },
      claims: ['x-stainless-lang=js'],
      body: (said) => JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: said }] }),
      socket: { path: '/v1/responses', message: (said) => JSON.stringify({ type: 'response.create', model: 'm', input: said }) },
      maskedWords: ['tell in pieces secret-abc123', 'failing secret-abc123'],
      shapes: answerShapes,
      read: (answer) => {
        const contents = [...answer.matchAll(/"content":"([^"]*)"/g)].map(([, content]) => content);
        return contents.length === 0 ? answer : contents.join('');
      },
    },
  ],
};
