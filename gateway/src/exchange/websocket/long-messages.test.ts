import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CountedWork, hostileText, mostUnits } from '../../../../tests/support/counted-work.ts';
import { maskAll } from '../../../../tests/support/every-cut.ts';
import { changeText, type TextChange } from '../../domain/text-change.ts';
import { allowed } from './testdata/pull.ts';
import { composeMessage, composeText, joinPayloads } from './websocket-frames.ts';
import { WebSocketRelay } from './websocket-relay.ts';

const ping = Buffer.from([0x89, 1, 0x70]);
const document = JSON.stringify({ a: hostileText, b: Array.from({ length: 2_000 }, (_, i) => `bob@example.com 4111 1111 ${i}`) });

/** A relay that is pulled as the loop does it. Requests go through `changes`, and are allowed. */
class Pulled {
  readonly relay: WebSocketRelay;
  readonly #changes: readonly TextChange[];
  readonly toClient: Uint8Array[] = [];
  readonly toTarget: Uint8Array[] = [];
  closed: string | null = null;

  constructor(changes: readonly TextChange[], changesRequests = false) {
    this.#changes = changes;
    this.relay = new WebSocketRelay({
      action: { name: 'http.upgrade', attributes: {} },
      request: 7,
      opening: Buffer.from('GET /'),
      reader: null,
      changes: changesRequests ? [] : changes,
      changesRequests,
      session: 's',
      messageBytesMax: 16 * 1024 * 1024,
      take: (step, input) => step.take(input),
    });
  }

  async pullAll(): Promise<void> {
    for (let output = this.relay.next(); output !== null; output = this.relay.next()) {
      if (output.type === 'pause') {
        await new Promise(setImmediate);
      } else if (output.type === 'request') {
        const changed = output.change?.({ texts: this.#changes, obligations: [] }) ?? output;
        const { bytes } = (await changed.reading) ?? changed;
        this.toTarget.push(...bytes);
        this.relay.decided(allowed, 8);
      } else if (output.type === 'response') {
        this.toClient.push(...output.bytes);
      } else {
        this.closed = output.reason;
      }
    }
  }
}

for (const text of [hostileText, document]) {
  const name = text === document ? 'JSON' : 'a text';
  const expected = changeText([maskAll()], text);

  test(`a long message of a target is changed in slices, and what comes behind it waits, also the end: ${name}`, async () => {
    const counted = new CountedWork();
    const pulled = new Pulled([counted.mask()]);
    pulled.relay.upstreamBytes(Buffer.concat([composeText(text), ping]));
    const all = pulled.pullAll();
    pulled.relay.upstreamEnded();
    assert.equal(pulled.toClient.length, 0);
    const most = await counted.mostWhile(all);
    assert.ok(most <= mostUnits, `${most} in one turn`);
    assert.ok(Buffer.concat(pulled.toClient).equals(Buffer.concat([composeText(expected), ping])));
    assert.equal(pulled.closed, 'target');
  });

  test(`a long message of a target is looked at in slices, and passes when that is done: ${name}`, async () => {
    const counted = new CountedWork();
    const look = counted.looking();
    const pulled = new Pulled([look]);
    const message = composeText(text);
    pulled.relay.upstreamBytes(message);
    const all = pulled.pullAll();
    assert.equal(pulled.toClient.length, 0);
    const most = await counted.mostWhile(all);
    assert.ok(most <= mostUnits, `${most} in one turn`);
    assert.ok(Buffer.concat(pulled.toClient).equals(message));
    assert.equal(look.look?.seen()?.isInspected, true);
  });

  test(`a long message of a client is changed in slices: ${name}`, async () => {
    const counted = new CountedWork();
    const pulled = new Pulled([counted.mask()], true);
    pulled.relay.clientBytes(composeMessage(text, 'text', Buffer.alloc(4, 7)));
    const most = await counted.mostWhile(pulled.pullAll());
    assert.ok(most <= mostUnits, `${most} in one turn`);
    assert.equal(joinPayloads(Buffer.concat(pulled.toTarget)).toString(), expected);
  });
}

test('a message that is being looked at when its client leaves was not inspected', async () => {
  const look = new CountedWork().looking();
  const { relay } = new Pulled([look]);
  relay.upstreamBytes(composeText(hostileText));
  assert.equal(relay.next()?.type, 'pause');
  relay.clientEnded();
  assert.equal(look.look?.seen()?.isInspected, false);
});
