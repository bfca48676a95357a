import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import ssh2, { type Client, type ClientChannel, type Connection } from 'ssh2';
import { newKey } from '../../gateway/src/protocols/ssh/testdata/new-key.ts';
import { startCommandServer, type CommandServer } from '../../gateway/src/protocols/ssh/testdata/command-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil, within } from '../support/wait-until.ts';

const patientMs = 120_000;
const mebibyte = 1024 * 1024;
/** More than the gateway keeps for a connection, and more than any socket takes. */
const floodBytes = 96 * mebibyte;
/** So many commands take longer than a flood that nobody holds back. */
const commandsMeanwhile = 40;

/** The part of ssh2 that sends messages, whether or not they are allowed. */
interface Protocol {
  session(channel: number, windowBytes: number, packetBytes: number): void;
  exec(channel: number, command: string, wantsReply: boolean): void;
  channelData(channel: number, bytes: Buffer): void;
  channelOpenConfirm(remote: number, local: number, windowBytes: number, packetBytes: number): void;
  authPassword(user: string, password: string, changed?: string): void;
  rekey(): void;
}

interface Opened {
  readonly _protocol: Protocol;
  readonly _sock: NodeJS.ReadWriteStream & { readonly writableNeedDrain: boolean; destroy(): void };
}

/** A target that does what a server of SSH does not. */
interface HostileTarget extends AsyncDisposable {
  readonly port: number;
  readonly users: string[];
}

async function startHostileTarget(begin: (connection: Connection) => void): Promise<HostileTarget> {
  const users: string[] = [];
  const server = new ssh2.Server({ hostKeys: [newKey().private] }, (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => {
      if (context.method === 'password') {
        users.push(context.username);
        context.accept();
      } else {
        context.reject(['password']);
      }
    });
    begin(connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    users,
    [Symbol.asyncDispose]: async () => {
      server.close();
      return Promise.resolve();
    },
  };
}

/** SSH_MSG_IGNORE without content, as it is before there are keys: its length, the length of its padding, its number, an empty string, and padding. */
const ignored = Buffer.from([0, 0, 0, 12, 6, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

interface Meddler extends AsyncDisposable {
  readonly port: number;
  /** The side to which a message is added behind the first one of the key exchange. */
  addsTo: 'server' | 'client' | null;
}

/** Starts somebody in the middle, who adds a message that nobody has sent: how the Terrapin attack begins. */
async function startMeddler(port: () => number): Promise<Meddler> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const target = connectTcp(port(), '127.0.0.1');
    for (const [from, to, side] of [
      [client, target, 'server'],
      [target, client, 'client'],
    ] as const) {
      open.add(from);
      let held: Buffer | null = meddler.addsTo === side ? Buffer.alloc(0) : null;
      from.on('data', (bytes: Buffer) => {
        if (held === null) {
          to.write(bytes);
          return;
        }
        held = Buffer.concat([held, bytes]);
        const begins = held.indexOf('\n') + 1;
        const ends = begins > 0 && held.length >= begins + 4 ? begins + 4 + held.readUInt32BE(begins) : Infinity;
        if (held.length >= ends) {
          to.write(Buffer.concat([held.subarray(0, ends), ignored, held.subarray(ends)]));
          held = null;
        }
      });
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const meddler: Meddler = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    addsTo: null,
    [Symbol.asyncDispose]: async () => {
      open.forEach((socket) => socket.destroy());
      server.close();
      return Promise.resolve();
    },
  };
  return meddler;
}

function inside(connection: Client | Connection): Opened {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fixed version of ssh2 has these parts
  return connection as unknown as Opened;
}

describe('hostile peers of SSH', () => {
  let server: CommandServer;
  let tiny: HostileTarget;
  /** Before the gateway, and before a target. */
  let outer: Meddler;
  let inner: Meddler;
  let gateway: GatewayProcess;
  let token: string;
  const clients = new Set<Client>();
  before(async () => {
    server = await startCommandServer();
    // It takes packets of no bytes, and ends what runs when it has input.
    tiny = await startHostileTarget((connection) => {
      const { _protocol: protocol } = inside(connection);
      const confirm = protocol.channelOpenConfirm.bind(protocol);
      protocol.channelOpenConfirm = (remote, local, windowBytes) => {
        confirm(remote, local, windowBytes, 0);
      };
      connection.on('session', (accept) => {
        accept().on('exec', (run) => {
          run();
        });
      });
    });
    outer = await startMeddler(() => gateway.port('ssh'));
    inner = await startMeddler(() => server.port);
    const place = (port: number, more: string): string => `{ url: "ssh://deploy@127.0.0.1:${port}", password: { env: SECRET }, ${more} }`;
    const pinned = `options: { hostKeys: ["${server.hostKey}"] }`;
    gateway = await GatewayProcess.start({
      listeners: ['ssh'],
      environment: { SECRET: server.password, BROKEN: '-----BEGIN OPENSSH PRIVATE KEY-----\nYnJva2VuLWtleS1jYW5hcnk=\n-----END OPENSSH PRIVATE KEY-----' },
      config: `targets:
  shell: ${place(server.port, pinned)}
  meddled: ${place(inner.port, pinned)}
  broken: { url: "ssh://deploy@127.0.0.1:${server.port}", password: { env: BROKEN }, ${pinned} }
  tiny: ${place(tiny.port, 'options: { hostKeys: any, users: [ops] }')}
principals:
  agent: { kind: agent, targets: [shell, meddled, broken, tiny] }
`,
    });
    token = await gateway.issueToken('agent');
  });
  after(async () => {
    for (const client of clients) {
      client.destroy();
    }
    await gateway[Symbol.asyncDispose]();
    await Promise.all([server, tiny, outer, inner].map(async (each) => each[Symbol.asyncDispose]()));
  });

  const connect = async (user: string, prepare: (client: Client) => void = () => undefined): Promise<Client> => {
    const client = new ssh2.Client();
    clients.add(client);
    const ready = once(client, 'ready');
    client.on('error', () => undefined);
    client.connect({ host: '127.0.0.1', port: gateway.port('ssh'), username: user, password: token, readyTimeout: 0 });
    prepare(client);
    await within(ready, 'the login', patientMs);
    return client;
  };
  const run = async (client: Client, command: string): Promise<ClientChannel> =>
    new Promise((resolve, reject) => {
      client.exec(command, (error, stream) => {
        if (error === undefined) {
          stream.on('error', () => undefined);
          resolve(stream);
        } else {
          reject(error);
        }
      });
    });
  /** Runs a command to its end. */
  const ran = async (client: Client, command: string): Promise<{ readonly code: unknown; readonly words: string }> => {
    const stream = await run(client, command);
    let words = '';
    stream.on('data', (bytes: Buffer) => (words += bytes.toString()));
    stream.stderr.on('data', (bytes: Buffer) => (words += bytes.toString()));
    const closed = once(stream, 'close');
    stream.end();
    const [code] = await within(closed, 'the end of a command', patientMs);
    return { code, words };
  };
  /** Sees that others are served. */
  const serves = async (times = 1): Promise<void> => {
    const client = await connect('shell');
    for (let i = 0; i < times; i += 1) {
      assert.deepEqual(await ran(client, 'echo served'), { code: 0, words: 'served\n' });
    }
    client.end();
  };
  const whenClosed = async (client: Client): Promise<void> => {
    let isClosed = false;
    client.once('close', () => (isClosed = true));
    await waitUntil(() => isClosed, patientMs);
  };

  test('A15: a message that somebody adds to a key exchange ends the connection, on both sides', async () => {
    const logsIn = async (): Promise<boolean> => {
      const client = new ssh2.Client();
      clients.add(client);
      const over = new Promise<boolean>((resolve) => {
        client.on('error', () => undefined);
        client.once('ready', () => resolve(true));
        client.once('close', () => resolve(false));
      });
      // GCM counts no messages, so without strict key exchange nobody would notice.
      const algorithms = { cipher: ['aes256-gcm@openssh.com' as const] };
      client.connect({ host: '127.0.0.1', port: outer.port, username: 'shell', password: token, readyTimeout: 0, algorithms });
      return within(over, 'a login', patientMs).finally(() => client.end());
    };
    assert.equal(await logsIn(), true, 'nothing is added');
    for (const side of ['server', 'client'] as const) {
      outer.addsTo = side;
      assert.equal(await logsIn(), false, `a message to the ${side}`);
    }
    const client = await connect('meddled');
    assert.deepEqual(await ran(client, 'echo through'), { code: 0, words: 'through\n' });
    client.end();
    for (const side of ['server', 'client'] as const) {
      inner.addsTo = side;
      const told = await connect('meddled');
      const { code, words } = await ran(told, 'echo through');
      assert.equal(code, 255, words);
      told.end();
    }
    inner.addsTo = null;
  });

  test('a client that takes packets of no bytes is cut off, and others are served', async () => {
    const client = await connect('shell');
    const { _protocol: protocol } = inside(client);
    const session = protocol.session.bind(protocol);
    protocol.session = (channel, windowBytes) => {
      session(channel, windowBytes, 0);
    };
    const closed = whenClosed(client);
    client.exec('echo out', () => undefined);
    await closed;
    await serves();
  });

  test('a target that takes packets of no bytes is cut off, and others are served', async () => {
    const client = await connect('tiny');
    const closed = whenClosed(client);
    (await run(client, 'cat')).write('input');
    await closed;
    await serves();
  });

  test('a client that sends more than the window allows is cut off', async () => {
    const client = await connect('shell');
    const closed = whenClosed(client);
    await run(client, 'sleep 1000');
    const { _protocol: protocol, _sock: socket } = inside(client);
    // A window of which nothing is left is the only one that ssh2 keeps to.
    const piece = Buffer.alloc(32 * 1024 - 1, 120);
    for (let sent = 0; sent < floodBytes && socket.writable; sent += piece.length) {
      protocol.channelData(0, piece);
      if (socket.writableNeedDrain) {
        await Promise.race([once(socket, 'drain').catch(() => undefined), closed]);
      }
    }
    await closed;
    await serves();
  });

  test('a client that takes nothing from its socket holds the target back, whatever window it grants', async () => {
    const client = await connect('shell');
    const { _protocol: protocol, _sock: socket } = inside(client);
    const session = protocol.session.bind(protocol);
    protocol.session = (channel, _windowBytes, packetBytes) => {
      session(channel, 0xff_ff_ff_ff, packetBytes);
    };
    const command = `head -c ${floodBytes} /dev/zero`;
    const stream = await run(client, command);
    socket.pause();
    await serves(commandsMeanwhile);
    assert.equal(server.hasEnded(command), false);
    let bytes = 0;
    stream.on('data', (piece: Buffer) => (bytes += piece.length));
    socket.resume();
    await within(once(stream, 'close'), 'the rest of the output', patientMs);
    assert.equal(bytes, floodBytes);
    client.end();
  });

  test('a client that never ends a key exchange holds the target back', async () => {
    const client = await connect('shell');
    const { _protocol: protocol, _sock: socket } = inside(client);
    const session = protocol.session.bind(protocol);
    protocol.session = (channel, _windowBytes, packetBytes) => {
      session(channel, 0xff_ff_ff_ff, packetBytes);
    };
    const command = `sleep 0.2; head -c ${floodBytes} /dev/zero | cat`;
    await run(client, command);
    protocol.rekey();
    // The answer of the gateway is read by nobody who goes on with it.
    socket.removeAllListeners('data');
    socket.on('data', () => undefined);
    await serves(commandsMeanwhile);
    assert.equal(server.hasEnded(command), false);
    client.destroy();
  });

  test('a second command in a channel does not run, and the client is told', async () => {
    const client = await connect('shell');
    const stream = await run(client, 'sleep 1000');
    let words = '';
    stream.stderr.on('data', (bytes: Buffer) => (words += bytes.toString()));
    const closed = whenClosed(client);
    inside(client)._protocol.exec(0, 'echo second', true);
    await closed;
    assert.match(words, /something runs once/);
    assert.ok(!server.commands.some((command) => command.includes('echo second')));
    await serves();
  });

  test('a client that leaves during its login leaves no open session, and others are served', async () => {
    for (const password of [...Array.from({ length: 20 }, () => token), 'another', 'another']) {
      const client = new ssh2.Client();
      client.on('error', () => undefined);
      client.connect({ host: '127.0.0.1', port: gateway.port('ssh'), username: 'shell', password, readyTimeout: 0 });
      const { _protocol: protocol, _sock: socket } = inside(client);
      const original = protocol.authPassword.bind(protocol);
      const closed = once(client, 'close');
      protocol.authPassword = (user, said) => {
        original(user, said);
        setImmediate(() => {
          socket.destroy();
        });
      };
      await within(closed, 'the end of the connection', patientMs);
    }
    for (const client of clients) {
      client.destroy();
    }
    await serves();
    await waitUntil(async () => (await gateway.sessions()).every(({ state }) => state !== 'open'), patientMs);
  });

  test('a private key that cannot be read is told as that, and nothing of it is shown', async () => {
    const client = await connect('broken');
    const { code, words } = await ran(client, 'true');
    assert.equal(code, 255);
    assert.match(words, /^countersign: The private key of the target broken cannot be read/);
    assert.doesNotMatch(words, /canary|YnJva2Vu/);
    client.end();
    await waitUntil(async () => (await gateway.newest()).state === 'closed', patientMs);
  });

  test('another user than that of the URL is one whom the option names', async () => {
    const client = await connect('tiny+ops');
    await waitUntil(() => tiny.users.at(-1) === 'ops', patientMs);
    client.destroy();
    const logins = tiny.users.length;
    for (const user of ['tiny+root', 'tiny+', 'tiny+ops+root']) {
      const other = await connect(user);
      const { code, words } = await ran(other, 'true');
      assert.equal(code, 255);
      assert.match(words, /is not among the users of the target tiny/);
      other.end();
    }
    assert.equal(tiny.users.length, logins);
  });
});
