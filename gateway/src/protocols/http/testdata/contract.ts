import type { ProtocolContract } from '../../../../../tests/support/contract.ts';
import { answerShapes } from './answer-shapes.ts';

/** @public The tests find it by the protocol's id. */
export const contract: ProtocolContract = {
  transport: 'exchange',
  ways: [
    {
      target: 'http',
      path: '/things',
      type: 'text/plain',
      headers: { range: 'bytes=0-' },
      claims: [],
      socket: { path: '/socket', message: (said) => said },
      maskedWords: ['failing secret-abc123'],
      body: (said) => said,
      shapes: answerShapes,
    },
  ],
};
