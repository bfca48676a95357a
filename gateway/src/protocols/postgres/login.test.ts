import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { connectTo, TestServer } from '../../wire/testdata/sockets.ts';
import { cancelRequest, passwordMessage, sslRequest } from './compose.ts';
import { RawClient, secure, serveOn, serverTls, startup } from './testdata/client-side.ts';
import { goodToken, OpenDoor } from './testdata/open-door.ts';
import { message, targetMessages } from './testdata/shorthand.ts';

const gssRequest = Buffer.from('0000000804d21630', 'hex');
const asksPassword = 'R\0\0\0\x08\0\0\0\x03';

/** A target that lets everybody in and answers nothing. */
async function trustingTarget(greeting = 'S:server_version:18.0 / raw:4b0000000c0000000100000002 / Z:I'): Promise<TestServer> {
  return TestServer.open((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.concat([Buffer.from('520000000800000000', 'hex'), targetMessages(greeting)]));
    });
    socket.resume();
  });
}

describe('the client’s side of the login', () => {
  test('token as password: the client is told parameters, session, a cancel key of ours; the password is in no record', async () => {
    await using target = await trustingTarget();
    const door = new OpenDoor({ port: target.port, path: 'app' });
    await using served = await serveOn(door);
    const client = await RawClient.connect(served.port);
    client.say(startup({ database: 'orders', application_name: 'test' }));
    await client.inbox.untilText(asksPassword);
    client.say(passwordMessage(goodToken));
    const text = await client.inbox.until((inbox) => inbox.text.endsWith('Z\0\0\0\x05I'));
    assert.ok(text.includes('server_version\x0018.0'));
    assert.ok(text.includes(`countersign.session\0${'5e55'.repeat(8)}`));
    assert.ok(!text.includes('K\0\0\0\x0c\0\0\0\x01\0\0\0\x02'), 'the target’s own key stays here');
    const [channel] = door.channels;
    assert.deepEqual(
      channel?.records.map(({ kind, meta }) => [kind, meta?.action]),
      [
        ['request', 'postgres.connect'],
        ['response', undefined],
      ],
    );
    assert.deepEqual(channel.records[0]?.meta?.attributes, { 'db.system.name': 'postgresql', 'db.namespace': 'app' });
    assert.deepEqual(channel.records[0]?.content, startup({ database: 'orders', application_name: 'test' }));
    assert.equal(Buffer.from(channel.records[1]?.content ?? []).toString('latin1'), text.slice(asksPassword.length), 'what the client saw');
    assert.ok(!channel.records.some(({ content }) => Buffer.from(content ?? []).includes(goodToken)));
    client.say(message('X'));
    await client.inbox.untilEnd();
    assert.deepEqual(channel.closes, ['client']);
    assert.deepEqual(served.faults, []);
  });

  test('dbname=TARGET/DATABASE; a wrong token, an unknown target and an unreachable one in PostgreSQL’s own words', async () => {
    const door = new OpenDoor();
    await using served = await serveOn(door);
    const attempt = async (database: string, token: string): Promise<string> => {
      const client = await RawClient.connect(served.port);
      client.say(startup({ database }));
      await client.inbox.untilText(asksPassword);
      client.say(passwordMessage(token));
      return client.inbox.untilEnd();
    };
    assert.match(await attempt('orders', 'cs_wrong'), /SFATAL\0VFATAL\0C28P01\0Mcountersign: The token is not accepted/);
    assert.match(await attempt('nowhere', goodToken), /C3D000\0/);
    assert.match(await attempt('orders/other', goodToken), /C08006\0.*\(session 5e55/);
    assert.equal(door.credentials.at(-1)?.target, 'orders');
    const [channel] = door.channels;
    assert.equal(channel?.records[0]?.meta?.attributes?.['db.namespace'], 'other');
    assert.equal(channel.records.at(-1)?.meta?.attributes?.['error.type'], 'target_unreachable');
    assert.deepEqual(channel.closes, ['error']);
    assert.deepEqual(served.faults, []);
  });

  test('a token is not asked for over a connection in the clear from elsewhere; the refusal says what to do', async () => {
    const door = new OpenDoor();
    await using served = await serveOn(door, { isRemote: true, certificate: serverTls });
    const client = await RawClient.connect(served.port);
    client.say(startup({ database: 'orders' }), passwordMessage(goodToken));
    const text = await client.inbox.untilEnd();
    assert.match(text, /^E.*C28P01\0.*sslmode=require/);
    assert.equal(door.credentials.length, 0);
  });

  test('a tunnel needs no password and leads to its target only', async () => {
    await using target = await trustingTarget();
    const door = new OpenDoor({ port: target.port });
    await using served = await serveOn(door, { tunnel: { token: goodToken, target: 'orders' } });
    const client = await RawClient.connect(served.port);
    client.say(startup({ database: 'orders' }));
    await client.inbox.until((inbox) => inbox.text.endsWith('Z\0\0\0\x05I'));
    assert.ok(!client.inbox.text.includes(asksPassword));
    const other = await RawClient.connect(served.port);
    other.say(startup({ database: 'payroll' }));
    assert.match(await other.inbox.untilEnd(), /C3D000\0.*dbname=orders/);
  });

  for (const [asked, spoken, secretBytes] of [
    [0, 0, 4],
    [1, 1, 4],
    [2, 2, 32],
    [9, 2, 32],
  ] as const) {
    test(`T4.39: version 3.${asked} is spoken as 3.${spoken}: the target’s process id, and a secret of ours of ${secretBytes} bytes`, async () => {
      await using target = await trustingTarget('raw:4b0000000c0102030405060708 / Z:I');
      const door = new OpenDoor({ port: target.port });
      await using served = await serveOn(door);
      const packet = startup({ database: 'orders' });
      packet.writeUInt32BE(0x0003_0000 + asked, 4);
      const client = await RawClient.connect(served.port);
      client.say(packet);
      await client.inbox.until((inbox) => inbox.text.endsWith(asksPassword));
      assert.equal(client.inbox.text.startsWith(`v\0\0\0\x0c\0\x03\0\x02\0\0\0\0`), asked > spoken);
      client.say(passwordMessage(goodToken));
      const text = await client.inbox.until((inbox) => inbox.text.endsWith('Z\0\0\0\x05I'));
      const at = text.indexOf(`K\0\0\0${String.fromCharCode(8 + secretBytes)}\x01\x02\x03\x04`);
      assert.ok(at > 0);
      assert.ok(!text.includes('\x05\x06\x07\x08'), 'the target’s own secret stays here');
      const key = text.slice(at + 5, at + 9 + secretBytes);
      assert.deepEqual([...door.signals.keys()], [Buffer.from(key, 'latin1').toString('hex')]);
    });
  }

  for (const [said, told] of [
    ['53300', '53300'],
    ['57P03', '57P03'],
    ['28P01', '08006'],
    ['28000', '08006'],
    ['bogus', '08006'],
  ] as const) {
    test(`T4.24: of a target that refuses the login with ${said} the client reads ${told}`, async () => {
      await using target = await TestServer.open((socket) => {
        socket.once('data', () => socket.end(message('E', Buffer.from(`SFATAL\0C${said}\0Mno\0\0`))));
        socket.resume();
      });
      const door = new OpenDoor({ port: target.port });
      await using served = await serveOn(door);
      const client = await RawClient.connect(served.port);
      client.say(startup({ database: 'orders' }), passwordMessage(goodToken));
      assert.match(await client.inbox.untilEnd(), new RegExp(`C${told}\\0`));
    });
  }

  test('T4.29: a target without a cancel key is not given one', async () => {
    await using target = await trustingTarget('S:server_version:18.0 / Z:I');
    const door = new OpenDoor({ port: target.port });
    await using served = await serveOn(door);
    const client = await RawClient.connect(served.port);
    client.say(startup({ database: 'orders' }), passwordMessage(goodToken));
    const text = await client.inbox.until((inbox) => inbox.text.endsWith('Z\0\0\0\x05I'));
    assert.doesNotMatch(text, /K\0\0\0/);
    assert.equal(door.signals.size, 0);
  });

  test('options of the protocol are not known, older versions are not spoken', async () => {
    const door = new OpenDoor();
    await using served = await serveOn(door);
    const packet = startup({ database: 'orders', '_pq_.x': '1' });
    packet.writeUInt32BE(0x0003_0002, 4);
    const client = await RawClient.connect(served.port);
    client.say(packet);
    await client.inbox.untilText(`v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0${asksPassword}`);
    const older = await RawClient.connect(served.port);
    older.say(Buffer.from('0000000900020000ff', 'hex'));
    assert.match(await older.inbox.untilEnd(), /C0A000\0/);
  });
});

describe('TLS on the client’s side', () => {
  test('asked for, and direct', async () => {
    await using target = await trustingTarget();
    const door = new OpenDoor({ port: target.port });
    await using served = await serveOn(door, { certificate: serverTls, isRemote: true });
    const negotiating = await connectTo(served.port);
    negotiating.write(gssRequest);
    assert.equal(String(await new Promise((resolve) => negotiating.once('data', resolve))), 'N');
    negotiating.write(sslRequest);
    assert.equal(String(await new Promise((resolve) => negotiating.once('data', resolve))), 'S');
    negotiating.removeAllListeners('data');
    for (const socket of [negotiating, await connectTo(served.port)]) {
      const client = new RawClient(await secure(socket));
      client.say(startup({ database: 'orders' }));
      await client.inbox.untilText(asksPassword);
      client.say(passwordMessage(goodToken));
      await client.inbox.until((inbox) => inbox.text.endsWith('Z\0\0\0\x05I'));
    }
    assert.deepEqual(served.faults, []);
  });

  test('without a certificate the answer is N, and asking twice is refused', async () => {
    const door = new OpenDoor();
    await using served = await serveOn(door);
    const client = await RawClient.connect(served.port);
    client.say(sslRequest);
    await client.inbox.untilText('N');
    client.say(sslRequest);
    assert.match(await client.inbox.untilEnd(), /^NE.*C08P01\0/);
  });

  test('A2: bytes in the clear behind the request for TLS end the connection', async () => {
    const door = new OpenDoor();
    await using served = await serveOn(door, { certificate: serverTls });
    const client = await RawClient.connect(served.port);
    client.say(sslRequest, startup({ database: 'orders' }), passwordMessage(goodToken), message('Q', 'drop table t'));
    assert.match(await client.inbox.untilEnd(), /^E.*C08P01\0/);
    assert.equal(door.credentials.length, 0);
  });
});

describe('hostile clients', () => {
  test('A8: a client that stays silent is ended in time, and delays nobody', async () => {
    const door = new OpenDoor({}, { loginMs: 2000 });
    await using served = await serveOn(door);
    const silent = await RawClient.connect(served.port);
    const slow = await RawClient.connect(served.port);
    slow.say(startup({ database: 'orders' }));
    const quick = await RawClient.connect(served.port);
    quick.say(startup({ database: 'orders' }), passwordMessage('cs_wrong'));
    assert.match(await quick.inbox.untilEnd(), /C28P01\0/);
    assert.equal(await silent.inbox.untilEnd(), '');
    assert.match(await slow.inbox.untilEnd(), /C57P05\0/);
  });

  test('A8: one that sends single bytes does not gain time', async () => {
    const door = new OpenDoor({}, { loginMs: 200 });
    await using served = await serveOn(door);
    const client = await RawClient.connect(served.port);
    const packet = startup({ database: 'orders', application_name: 'x'.repeat(5000) });
    let sent = 0;
    const drip = setInterval(() => {
      client.say(packet.subarray(sent, sent + 1));
      sent += 1;
    }, 20);
    const text = await client.inbox.untilEnd();
    clearInterval(drip);
    assert.equal(text, '');
    assert.deepEqual(door.turnedAwayBy, ['deadline_exceeded']);
  });

  test('D33: a password of impossible length is not waited for', async () => {
    const door = new OpenDoor();
    await using served = await serveOn(door);
    for (const length of [0, 3, 0x7fff_ffff, 0xffff_ffff]) {
      const header = Buffer.from('p\0\0\0\0');
      header.writeUInt32BE(length, 1);
      const client = await RawClient.connect(served.port);
      client.say(startup({ database: 'orders' }), header);
      assert.equal(await client.inbox.untilEnd(), asksPassword);
    }
    assert.deepEqual(door.turnedAwayBy, Array(4).fill('malformed'));
  });

  test('T4.42: what PostgreSQL closes in silence is closed in silence, and recorded', async () => {
    const door = new OpenDoor();
    await using served = await serveOn(door);
    const beginnings: readonly (readonly [string, Buffer])[] = [
      ['connect and end at once, as node-postgres does', message('X')],
      ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
      ['TLS where there is none', Buffer.from('16030100050100000100', 'hex')],
      ['a length too short', Buffer.from('0000000400000000', 'hex')],
      ['a cancel key that cannot be', Buffer.from('0000000804d2162e', 'hex')],
      ['half a packet', startup({ database: 'orders' }).subarray(0, 20)],
    ];
    for (const [what, bytes] of beginnings) {
      const client = await RawClient.connect(served.port);
      client.say(bytes);
      client.socket.end();
      assert.equal(await client.inbox.untilEnd(), '', what);
    }
    assert.deepEqual(door.turnedAwayBy, ['malformed', 'malformed', 'unsupported', 'malformed', 'malformed', 'malformed']);
    const nobody = await RawClient.connect(served.port);
    nobody.socket.end();
    assert.equal(await nobody.inbox.untilEnd(), '');
    assert.equal(door.turnedAwayBy.length, 6, 'who says nothing at all asks only whether somebody is there');
    const older = await RawClient.connect(served.port);
    older.say(Buffer.from('0000000900020000ff', 'hex'));
    assert.match(await older.inbox.untilEnd(), /C0A000\0/, 'who speaks an older version is told');
    assert.equal(door.turnedAwayBy.length, 7);
  });

  test('A7: a cancel with an unknown key gets no answer, like one with a known key', async () => {
    const door = new OpenDoor();
    await using served = await serveOn(door);
    for (const key of [Buffer.alloc(8), Buffer.alloc(260, 1)]) {
      const client = await RawClient.connect(served.port);
      client.say(cancelRequest(key));
      assert.equal(await client.inbox.untilEnd(), '');
    }
  });

  test('random bytes: the connection is over, and nothing of ours broke', async () => {
    const door = new OpenDoor({}, { loginMs: 300 });
    await using served = await serveOn(door, { certificate: serverTls });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 100 }),
          fc.uint8Array({ maxLength: 50 }).map((rest) => Buffer.concat([startup({ database: 'orders' }), rest])),
        ),
        async (bytes) => {
          const client = await RawClient.connect(served.port);
          client.say(bytes);
          client.socket.end();
          await client.inbox.untilEnd();
        },
      ),
      { numRuns: 50 },
    );
    assert.deepEqual(served.faults, []);
    assert.equal(door.channels.length, 0);
  });
});
