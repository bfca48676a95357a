import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { before, describe, test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

const flood = 200;

describe('those who may not come in', () => {
  let asked = 0;
  let target: Server;
  let gateway: GatewayProcess;
  let token: string;
  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      target.close();
    });
    target = createServer({ keepAliveTimeout: 120_000 }, (_request, response) => {
      asked += 1;
      response.end();
    }).listen(0, '127.0.0.1');
    await once(target, 'listening');
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:
  api: { url: "http://127.0.0.1:${portOf(target)}", durability: process }
principals:
  agent: { kind: agent, targets: [api] }
`,
      }),
    );
    token = await gateway.issueToken('agent');
  });

  const ask = (path: string, credential: string): string => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${credential}\r\n\r\n`;
  const refusals = async () => {
    const [own] = await gateway.sessions('all');
    return (await gateway.records(own?.session ?? '')).filter(({ action, verdict }) => action === 'gateway.authenticate' && verdict === 'deny');
  };

  test('T4.4, E52: a request waits for the one before on its connection, and goes with it', async () => {
    const askedBefore = asked;
    const client = connect(gateway.port('http'), '127.0.0.1');
    client.write(ask('/t/api/first', 'cs_wrong') + ask('/t/api/second', token));
    let answers = '';
    client.on('data', (piece: Buffer) => {
      answers += piece.toString();
    });
    await once(client, 'close');
    assert.match(answers, /^HTTP\/1\.1 401/);
    assert.equal(asked, askedBefore);
  });

  test('T4.4, E52: a request waits for the one before on its connection at the API, too', async () => {
    const askedBefore = asked;
    const client = connect(gateway.port('http'), '127.0.0.1');
    client.write(ask('/api/v1/sessions', 'cs_wrong') + ask('/t/api/second', token));
    const [answer] = await once(client, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 401/);
    assert.equal(asked, askedBefore, 'while the answer to the first was held back, nothing was done for the second');
    await waitUntil(() => asked > askedBefore);
    client.destroy();
  });

  test('T4.39, A7: an unknown cancel key counts as a guess: it is recorded, and slowed down like a wrong token', async () => {
    const client = connect(gateway.port('postgres'), '127.0.0.1');
    client.write(Buffer.from('0000001004d2162e0000000100000002', 'hex'));
    await once(client.resume(), 'close');
    const [last] = (await refusals()).toReversed();
    assert.equal(last?.attributes['countersign.reason'], 'unauthenticated: The cancel key is unknown.');
    assert.equal(last.attributes['countersign.protocol'], 'postgres');
  });

  test('T4.4, E52: a flood of refused requests makes few records, and one that counts the rest', async () => {
    const refusedBefore = (await refusals()).length;
    const headers = { authorization: `Bearer ${token}` };
    for (let i = 0; i < flood; i++) {
      assert.equal((await fetch(`http://127.0.0.1:${gateway.port('http')}/t/nowhere/`, { headers })).status, 404);
    }
    assert.ok((await refusals()).length <= 2 * 20, 'of at most two windows');
    await gateway.signal('SIGTERM');
    await gateway.start();
    const [, own] = (await gateway.sessions('all')).filter(({ principal }) => principal === null).toReversed();
    const recorded = (await gateway.records(own?.session ?? '')).filter(({ action, verdict }) => action === 'gateway.authenticate' && verdict === 'deny');
    const counted = recorded.flatMap(({ attributes }) => (typeof attributes['countersign.count'] === 'number' ? [attributes['countersign.count']] : []));
    const apart = recorded.length - counted.length;
    assert.equal(apart + counted.reduce((sum, count) => sum + count, 0), refusedBefore + flood, 'every one is in the record or counted in it');
    assert.ok(counted.length <= 2 && apart <= 2 * 20 && counted.length > 0);
    assert.equal(gateway.verify().status, 0);
  });
});
