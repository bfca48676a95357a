import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, DatabaseError } from 'pg';
import { openShop, type Shop } from '../support/shop.ts';
import { waitUntil } from '../support/wait-until.ts';

const connectionsPerAddressMax = 45;

describe('many at once behind one address', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({
      config: `limits: { connectionsPerAddressMax: ${connectionsPerAddressMax}, silentPerAddressMax: ${connectionsPerAddressMax}, loginsPerAddressMax: 8 }\n`,
    });
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  const client = (): Client =>
    new Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'agent', password: shop.token, database: 'shop' }).on('error', () => undefined);

  async function silent(listener: string, count: number): Promise<Socket[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect(shop.gateway.port(listener), '127.0.0.1').on('error', () => undefined);
        await once(socket, 'connect');
        return socket;
      }),
    );
  }

  test('T4.40: a burst of logins beyond the share is served', async () => {
    const clients = Array.from({ length: 40 }, client);
    await Promise.all(clients.map(async (each) => each.connect()));
    await Promise.all(clients.map(async (each) => each.end()));
  });

  test('T4.5: silent connections shut out nobody behind their address', async () => {
    const crowd = [...(await silent('postgres', 200)), ...(await silent('http', 200))];
    const one = client();
    await one.connect();
    assert.equal((await one.query('select 1 as one')).rows[0].one, 1);
    await one.end();
    assert.equal((await shop.gateway.api('/api/v1/targets')).status, 200);
    await waitUntil(() => shop.gateway.log.includes('limits.silentPerAddressMax'));
    for (const socket of crowd) {
      socket.destroy();
    }
  });

  test('T4.40: a client beyond the limit gets the limit as 53300, and the log has it too', async () => {
    const clients = Array.from({ length: connectionsPerAddressMax }, client);
    for (const each of clients) {
      await each.connect();
    }
    await assert.rejects(client().connect(), (error) => {
      assert.ok(error instanceof DatabaseError);
      assert.equal(error.code, '53300');
      assert.match(error.message, /limits.connectionsPerAddressMax of the gateway is 45/);
      return true;
    });
    await waitUntil(() => shop.gateway.log.includes('limits.connectionsPerAddressMax'));
    await Promise.all(clients.map(async (each) => each.end()));
  });

  test("T4.5: the API of the machine's operator stays reachable when its address has no place left", async () => {
    // Each waits for its body, so that none of them is silent.
    const crowd = await silent('http', connectionsPerAddressMax);
    const operator = readFileSync(join(shop.gateway.data, 'admin.token'), 'utf8').trim();
    for (const socket of crowd) {
      socket.write(
        `POST /api/v1/tokens HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${operator}\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n`,
      );
    }
    await Promise.all(crowd.map(async (socket) => once(socket, 'data')));
    const authorization = `Bearer ${shop.token}`;
    assert.equal((await fetch(`http://127.0.0.1:${shop.gateway.port('http')}/healthz`, { headers: { authorization } })).status, 429);
    const listed = shop.gateway.cli(['target', 'list', '--json']);
    assert.equal(listed.status, 0, listed.stderr);
    assert.match(listed.stdout, /"shop"/);
    for (const socket of crowd) {
      socket.destroy();
    }
  });
});
