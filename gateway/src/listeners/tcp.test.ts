import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { defaultLimits, type Limits } from '../domain/limits.ts';
import type { Client } from '../domain/client.ts';
import type { Door } from '../domain/door.ts';
import type { StreamProtocol } from '../domain/stream-protocol.ts';
import { within } from '../../../tests/support/wait-until.ts';
import { connectTo, Inbox, portOf } from '../wire/testdata/sockets.ts';
import { GatewayError } from '../domain/errors.ts';
import { MemoryChannel } from '../wire/testdata/memory-channel.ts';
import { TcpListener } from './tcp.ts';

/** Those whose login goes no further. */
const stalled: Client[] = [];

/** A protocol whose login is any bytes and that echoes afterwards; `bug` breaks it, `stall` says nothing more. */
const echo: StreamProtocol = {
  id: 'echo',
  title: 'Echo',
  transport: 'stream',
  valuePlaces: 'columns',
  schemes: {},
  actions: [],
  context: [],
  options: z.strictObject({}),
  connection: () => ({ url: '', environment: {}, command: '' }),
  render: () => ({ mediaType: 'text/plain', text: '', attributes: {} }),
  replay: {
    keys: () => () => null,
    differ: () => null,
    connect: () => {
      throw new GatewayError('unsupported', 'Nothing is recorded of it.');
    },
  },
  create: async () => Promise.resolve({ serve: echoBack }),
};

async function echoBack(client: Client, door: Door): Promise<void> {
  const token = client.tunnel?.token ?? (await client.read(door.limits.loginMs * 10))?.toString();
  if (token === undefined) {
    return;
  }
  if (token === 'stall') {
    stalled.push(client);
    await client.closed;
    return;
  }
  try {
    await door.authenticate({ token, target: '', user: '', clientAddress: client.address, claims: [] });
  } catch (error) {
    if (error instanceof GatewayError) {
      client.write(Buffer.from(`refused: ${error.message}\n`));
      client.end();
      return;
    }
    throw error;
  }
  client.write(Buffer.from(`hello ${token} from ${client.address}\n`));
  client.flow({
    onBytes: (bytes) => {
      client.write(bytes);
    },
    onEnd: () => {
      client.end();
    },
    onDrain: () => undefined,
  });
  await client.closed;
}

class Log {
  readonly lines: string[] = [];
  warn(_facts: unknown, message: string): void {
    this.lines.push(message);
  }
  error(_facts: unknown, message: string): void {
    this.lines.push(message);
  }
}

function makeDoor(_client: Client): Door {
  return {
    limits: { ...defaultLimits, loginMs: 200 },
    knows: () => false,
    authenticate: ({ token }) => (token === 'bug' ? Promise.reject(new TypeError('a bug of ours')) : Promise.resolve(new MemoryChannel())),
    turnedAway: () => Promise.resolve(),
    signal: () => Promise.resolve(false),
  };
}

async function openListener(limits: Partial<Limits> = {}, host = '127.0.0.1') {
  const log = new Log();
  stalled.length = 0;
  const listener = await TcpListener.open({
    host,
    port: 0,
    protocol: echo,
    service: { serve: echoBack },
    makeDoor,
    limits: { ...defaultLimits, ...limits },
    certificate: null,
    log,
  });
  const port = Number(listener.address.split(':').at(-1));
  return {
    listener,
    log,
    port,
    get stalled() {
      return stalled.length;
    },
    [Symbol.asyncDispose]: () => listener.close(0),
  };
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await delay(5);
  }
}

async function login(port: number, localAddress?: string): Promise<{ socket: Socket; inbox: Inbox }> {
  const socket = await connectTo(port, localAddress);
  const inbox = new Inbox(socket);
  socket.write('me');
  await inbox.until(({ text, isEnded }) => text.endsWith('\n') || isEnded);
  return { socket, inbox };
}

test('A8: silent clients hold up nobody, and are cut off at the deadline of the login', async () => {
  await using open = await openListener({ loginMs: 2000 });
  const silent = await Promise.all(Array.from({ length: 40 }, () => connectTo(open.port)));
  const inboxes = silent.map((socket) => new Inbox(socket));
  const { inbox, socket } = await login(open.port);
  assert.equal(inbox.text, 'hello me from 127.0.0.1\n');
  assert.ok(inboxes.some(({ isEnded }) => !isEnded));
  await Promise.all(inboxes.map((each) => each.untilEnd()));
  for (const each of silent) {
    each.destroy();
  }
  socket.write('still here');
  await inbox.until(({ text }) => text.endsWith('still here'));
  assert.equal(open.listener.connections, 1);
  socket.destroy();
});

test('T4.5, A8: silent connections hold no place against who comes: the oldest gives way', async () => {
  await using open = await openListener({ silentPerAddressMax: 8, loginsPerAddressMax: 2, connectionsPerAddressMax: 20 });
  const flood = await Promise.all(Array.from({ length: 50 }, async () => connectTo(open.port)));
  const inboxes = flood.map((socket) => new Inbox(socket));
  const late = await login(open.port, '127.0.0.1');
  assert.equal(late.inbox.text, 'hello me from 127.0.0.1\n', 'behind the same address');
  const neighbour = await login(open.port, '127.0.0.2');
  assert.equal(neighbour.inbox.text, 'hello me from 127.0.0.2\n');
  await Promise.all(inboxes.slice(0, 43).map(async (inbox) => inbox.untilEnd()));
  assert.equal(inboxes.filter(({ isEnded }) => !isEnded).length, 7, 'the newest stayed');
  assert.deepEqual(open.log.lines, ['too many connections: limits.silentPerAddressMax is reached'], 'a flood is one line in the log');
  for (const socket of [...flood, late.socket, neighbour.socket]) {
    socket.destroy();
  }
});

test('T4.5, A8: where an address or all of them have what they may have, who is silent gives way as well', async () => {
  await using open = await openListener({ connectionsMax: 6, connectionsPerAddressMax: 4 });
  const flood = await Promise.all(Array.from({ length: 12 }, async (_, i) => connectTo(open.port, `127.0.0.${1 + Math.floor(i / 4)}`)));
  for (const address of ['127.0.0.1', '127.0.0.9']) {
    const { inbox, socket } = await login(open.port, address);
    assert.equal(inbox.text, `hello me from ${address}\n`);
    socket.destroy();
  }
  for (const socket of flood) {
    socket.destroy();
  }
});

test('T4.40: a burst of logins beyond the share is served, one after another', async () => {
  await using open = await openListener({ loginsPerAddressMax: 4 });
  const clients = await Promise.all(Array.from({ length: 80 }, async () => login(open.port)));
  assert.deepEqual([...new Set(clients.map(({ inbox }) => inbox.text))], ['hello me from 127.0.0.1\n']);
  for (const { socket } of clients) {
    socket.destroy();
  }
});

test('T4.40: the defaults serve a pool of 500 that comes at once from one address', async () => {
  await using open = await openListener();
  const clients = await Promise.all(Array.from({ length: 500 }, async () => login(open.port)));
  assert.equal(clients.filter(({ inbox }) => inbox.text === 'hello me from 127.0.0.1\n').length, 500);
  assert.deepEqual(open.log.lines, []);
  for (const { socket } of clients) {
    socket.destroy();
  }
});

test('T4.40: who stalls in its login gives way to who waits; who waits too long is told the limit, and so is the log', async () => {
  await using open = await openListener({ loginsPerAddressMax: 1, loginMs: 500 });
  const held = await connectTo(open.port);
  const heldInbox = new Inbox(held);
  held.write('stall');
  await waitFor(() => open.stalled === 1);
  const told = await login(open.port);
  assert.equal(told.inbox.text, 'refused: Too many connections at once: limits.loginsPerAddressMax of the gateway is 1. Open fewer, or raise it.\n');
  assert.deepEqual(open.log.lines, ['too many connections: limits.loginsPerAddressMax is reached']);
  assert.equal(heldInbox.isEnded, false);
  await using patient = await openListener({ loginsPerAddressMax: 1 });
  const stalling = await connectTo(patient.port);
  const stalledInbox = new Inbox(stalling);
  stalling.write('stall');
  await waitFor(() => patient.stalled === 1);
  const next = await login(patient.port);
  assert.equal(next.inbox.text, 'hello me from 127.0.0.1\n');
  assert.equal(stalledInbox.isEnded, true);
  for (const socket of [told.socket, next.socket, stalling]) {
    socket.destroy();
  }
  held.destroy();
});

test('T4.40, A8: connections are limited in all and by address, logged in or not, and who is turned away is told by which limit', async () => {
  await using open = await openListener({ connectionsMax: 3, connectionsPerAddressMax: 2, loginsPerAddressMax: 1 });
  const first = await login(open.port);
  const second = await login(open.port);
  assert.equal(second.inbox.text, 'hello me from 127.0.0.1\n', 'who has logged in is no login any more');
  assert.match((await login(open.port)).inbox.text, /^refused: .*limits.connectionsPerAddressMax of the gateway is 2/);
  const third = await login(open.port, '127.0.0.2');
  assert.match(third.inbox.text, /^hello/);
  assert.match((await login(open.port, '127.0.0.3')).inbox.text, /^refused: .*limits.connectionsMax of the gateway is 3/);
  first.socket.destroy();
  await waitFor(() => open.listener.connections <= 2);
  assert.match((await login(open.port, '127.0.0.3')).inbox.text, /^hello/);
  second.socket.destroy();
});

test('closing refuses new clients, cuts off who has not logged in, and waits for the others', async () => {
  const { listener, port } = await openListener();
  const silent = new Inbox(await connectTo(port));
  const live = await login(port);
  let isClosed = false;
  const closing = listener.close(60_000).finally(() => {
    isClosed = true;
  });
  await silent.untilEnd();
  await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
  live.socket.write('go on');
  await live.inbox.until(({ text }) => text.endsWith('go on'));
  assert.equal(isClosed, false);
  live.socket.end();
  await closing;
  assert.equal(listener.connections, 0);
});

test('closing does not wait for ever', async () => {
  const { listener, port } = await openListener();
  const { inbox } = await login(port);
  await within(listener.close(100), 'the end of the listener');
  await inbox.untilEnd();
});

test('an error of ours ends one connection and is logged', async () => {
  await using open = await openListener();
  const other = await login(open.port);
  const socket = await connectTo(open.port);
  const inbox = new Inbox(socket);
  socket.write('bug');
  assert.equal(await inbox.untilEnd(), '');
  assert.deepEqual(open.log.lines, ['a connection was cut by an error of ours']);
  other.socket.write('on');
  await other.inbox.until(({ text }) => text.endsWith('on'));
  other.socket.destroy();
});

test('an IPv4 client of a dual-stack listener has an IPv4 address', async () => {
  await using open = await openListener({}, '::');
  const { inbox, socket } = await login(open.port);
  assert.equal(inbox.text, 'hello me from 127.0.0.1\n');
  socket.destroy();
});

test('a port that is taken is an error of the configuration', async () => {
  await using open = await openListener();
  const taken = TcpListener.open({
    host: '127.0.0.1',
    port: open.port,
    protocol: echo,
    service: { serve: echoBack },
    makeDoor,
    limits: defaultLimits,
    certificate: null,
    log: open.log,
  });
  await assert.rejects(taken, { code: 'config_invalid', message: /EADDRINUSE/ });
});

test('a tunnel through an HTTP upgrade is served like any client, its credential known', async () => {
  await using open = await openListener();
  const http = createServer();
  http.on('upgrade', (_request, socket: Socket, head: Buffer) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n');
    open.listener.adopt(socket, head, { token: 'tunnel', target: 'orders' });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const asking = request({ port: portOf(http), host: '127.0.0.1', headers: { Connection: 'Upgrade', Upgrade: 'test' } });
  asking.end();
  const upgraded = Promise.withResolvers<{ socket: Socket; head: Buffer }>();
  asking.on('upgrade', (_response, socket, head) => {
    upgraded.resolve({ socket, head });
  });
  const { socket, head } = await upgraded.promise;
  socket.unshift(head);
  const inbox = new Inbox(socket);
  socket.write('first words');
  await inbox.until(({ text }) => text.endsWith('first words'));
  assert.equal(inbox.text, 'hello tunnel from 127.0.0.1\nfirst words');
  assert.equal(open.listener.connections, 1);
  socket.destroy();
  http.close();
});

test('a tunnel whose client left on the way is no connection', async () => {
  await using open = await openListener();
  const socket = await connectTo(open.port);
  socket.destroy();
  await once(socket, 'close');
  open.listener.adopt(socket, Buffer.alloc(0), { token: 'tunnel', target: 'orders' });
  await waitFor(() => open.listener.connections === 0);
});
