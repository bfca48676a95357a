import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Door } from '../domain/door.ts';
import { GatewayError } from '../domain/errors.ts';
import { defaultLimits } from '../domain/limits.ts';
import type { Steps } from '../domain/step.ts';
import { MemoryChannel } from '../wire/testdata/memory-channel.ts';
import { noAnswerReading } from './reading.ts';
import type { ExchangeRules } from './rules.ts';
import { serveExchange } from './serve-exchange.ts';

const rules: ExchangeRules = {
  isReadWhole: () => false,
  read: () => ({ action: { name: 'test.ask', attributes: {} }, answer: noAnswerReading }),
  call: () => ({
    bodyBytesMax: 1000,
    allowsEncodedSlash: false,
    givesCredential: false,
    needsWholeBody: false,
    tls: null,
    credential: () => ({ headers: [], secrets: [] }),
  }),
  failure: ({ problem }) => ({ status: 503, headers: [], body: problem.code }),
};
const steps: Steps = { take: async () => Promise.reject(new Error('no body is long')) };

/** Commits everything but the first thing that somebody waits for: the request. */
class UncommittedRequest extends MemoryChannel {
  readonly #waits = Promise.withResolvers<void>();
  /** Resolves when somebody waits for the commit of the request. */
  readonly requested = this.#waits.promise;
  #count = 0;

  override whenCommitted(release: () => void): void {
    this.#count += 1;
    if (this.#count === 1) {
      this.#waits.resolve();
    } else {
      super.whenCommitted(release);
    }
  }
}

test('an exchange whose request is never committed is over when its channel ends', async () => {
  const channel = new UncommittedRequest();
  const door: Door = {
    limits: defaultLimits,
    authenticate: async () => Promise.resolve(channel),
    knows: () => false,
    turnedAway: async () => Promise.resolve(),
    signal: async () => Promise.resolve(false),
  };
  let isOver = false;
  const server = createServer((request, response) => {
    const client = { clientAddress: '127.0.0.1', isLoopback: true, isEncrypted: false, expectsContinue: false, upgrade: null };
    serveExchange({ target: 'test', way: '/t/test', path: '/', request, response, ...client }, door, rules, steps).then(() => (isOver = true), assert.ifError);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
    const { port } = server.address() as AddressInfo;
    const answer = fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: 'Bearer cs_x' } });
    await channel.requested;
    channel.controller.abort(new GatewayError('halted', 'enough'));
    assert.equal(await (await answer).text(), 'halted');
    server.close();
    await once(server, 'close');
    await nextTurn();
    assert.ok(isOver, 'it still waits');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
