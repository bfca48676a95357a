import type { AcceptConnection, Connection, RejectConnection, ServerChannel, Session } from 'ssh2';
import type { Client } from '../../domain/client.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { RelayedClient } from '../../wire/relay-loop.ts';
import { ChannelOutput } from './channel-output.ts';
import { data, globalRequest, open, place, plain, request, sizeOf, strings, terminal } from './compose.ts';
import { forwardType, parseMessage, readExitCode, readExitSignal, type Message } from './messages.ts';
import { MessageFlow, tooSmallPackets, type Transport } from './message-flow.ts';

/** Most channels of a client at the same time. */
const channelsMax = 16;

/** A channel of the client. */
interface Opened {
  /** Set once the client has said what is to run. */
  started: { readonly stream: ServerChannel; readonly output: ChannelOutput } | null;
  /** How it has ended; said to the client after all output. */
  exit: (() => void) | null;
  /** True if it leads to another place: it ends in each direction by itself. */
  readonly isForward: boolean;
}

/** The connection of a client, as ssh2 serves it, as a stream of messages. */
export class ClientSide extends MessageFlow<ServerChannel> implements RelayedClient {
  readonly closed: Promise<void>;
  readonly #client: Client;
  readonly #connection: Connection;
  readonly #channels = new Map<number, Opened>();
  /** The refusals of requests for remote forwards, in the order in which they came. */
  readonly #refusals: (() => void)[] = [];
  readonly #openRefusals = new Map<number, () => void>();
  /** The channels that lead elsewhere and are not decided on. */
  readonly #openings = new Map<number, AcceptConnection<ServerChannel>>();
  #numbers = 0;

  constructor(client: Client, connection: Connection, socket: Transport['socket']) {
    super({ socket, connection });
    this.#client = client;
    this.#connection = connection;
    this.closed = client.closed;
    void client.closed.finally(() => {
      this.ended(null);
    });
    connection.on('handshake', () => {
      this.drained();
    });
    connection.on('session', (accept, reject) => {
      if (this.#channels.size < channelsMax) {
        this.#open(accept());
      } else {
        reject();
      }
    });
    connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
      if (this.#channels.size + this.#openings.size < channelsMax) {
        this.#openings.set(this.#numbers + 1, accept);
        this.#openElsewhere(forwardType, place(destIP, destPort), reject);
      } else {
        reject();
      }
    });
    connection.on('openssh.streamlocal', (_accept, reject, { socketPath }) => {
      this.#openElsewhere('direct-streamlocal@openssh.com', place(socketPath, null), reject);
    });
    connection.on(
      'request',
      (
        _accept: unknown,
        reject: (() => void) | undefined,
        name: string,
        info: { readonly bindAddr?: string; readonly bindPort?: number; readonly socketPath?: string },
      ) => {
        this.#refusals.push(() => reject?.());
        this.receive(globalRequest(name, place(info.bindAddr ?? info.socketPath ?? '', info.bindPort ?? null)));
      },
    );
  }

  override get queuedBytes(): number {
    let bytes = super.queuedBytes;
    for (const { started } of this.#channels.values()) {
      bytes += started?.output.queuedBytes ?? 0;
    }
    return bytes;
  }

  /** Writes messages to the client. */
  write(bytes: Uint8Array): void {
    const message = parseMessage(Buffer.from(bytes));
    if (message.kind === 'globalFailure') {
      this.#refusals.shift()?.();
    } else if (message.kind === 'openFailure') {
      this.#openRefusals.get(message.channel)?.();
      this.#openRefusals.delete(message.channel);
      this.#openings.delete(message.channel);
    } else if (message.kind === 'success' && this.#openings.has(message.channel)) {
      this.#connect(message.channel);
    } else if ('channel' in message) {
      const opened = this.#channels.get(message.channel);
      if (opened !== undefined) {
        this.#tell(message, opened);
      }
    }
  }

  /** Ends the connection after all that was written. */
  end(): void {
    setImmediate(() => {
      this.#connection.end();
      this.#client.end();
    });
  }

  destroy(): void {
    this.#client.destroy();
  }

  #tell(message: Exclude<Message, { readonly kind: 'login' | 'globalRequest' | 'globalFailure' | 'openFailure' }>, opened: Opened): void {
    switch (message.kind) {
      case 'success':
        this.#begin(message.channel, opened);
        break;
      case 'data':
      case 'errorData':
        opened.started?.output.write(message.bytes, message.kind === 'errorData');
        break;
      case 'request':
        opened.exit = exitOf(message, opened);
        break;
      case 'close':
        finish(opened);
        break;
      case 'eof':
        // A command says its exit status behind its output.
        if (opened.isForward) {
          opened.started?.output.finish(() => opened.started?.stream.end());
        }
        break;
      case 'failure':
      case 'open':
        break;
      default:
        message satisfies never;
    }
  }

  /** Reads what the client sends to what runs. */
  #begin(channel: number, { started }: Opened): void {
    if (started === null || this.streams.has(channel)) {
      return;
    }
    const { stream } = started;
    stream.on('data', (bytes: Buffer) => {
      this.receive(data(channel, bytes));
    });
    stream.on('end', () => {
      this.receive(plain('eof', channel));
    });
    this.join(channel, stream);
  }

  #open(session: Session): void {
    this.#numbers += 1;
    const channel = this.#numbers;
    const opened: Opened = { started: null, exit: null, isForward: false };
    this.#channels.set(channel, opened);
    this.receive(open(channel));
    const say = (type: string, body: Uint8Array, wantsReply = false): void => {
      this.receive(request(channel, type, { wantsReply, body }));
    };
    // ssh2 gives the stream only before the client has ended its input, so the client is told at once that its words were understood. Nothing is read before they are decided on.
    const start = (type: string, body: Uint8Array, accept: AcceptConnection<ServerChannel>): void => {
      // ssh2 gives no stream the second time. The relay says then that only one thing runs in a channel.
      if (opened.started === null) {
        const stream = accept();
        if (tooSmallPackets(stream)) {
          this.cutOff(new GatewayError('malformed', 'The client takes only packets that are too small.'));
          return;
        }
        opened.started = {
          stream,
          output: new ChannelOutput(stream, () => {
            this.drained();
          }),
        };
        this.watch(channel, stream);
      }
      say(type, body, true);
    };
    // Some clients wait for these answers before they say what is to run.
    session.on('env', (accept: (() => void) | undefined, _reject, { key, val }) => {
      accept?.();
      say('env', strings(key, val));
    });
    session.on('pty', (accept: (() => void) | undefined, _reject, { term, cols: columns, rows, width, height }) => {
      accept?.();
      say('pty-req', terminal(term, { columns, rows, width, height }));
    });
    session.on('exec', (accept, _reject, { command }) => {
      start('exec', strings(command), accept);
    });
    session.on('shell', (accept) => {
      start('shell', Buffer.alloc(0), accept);
    });
    session.on('subsystem', (accept, _reject, { name }) => {
      start('subsystem', strings(name), accept);
    });
    session.on('window-change', (accept: (() => void) | undefined, _reject, { cols: columns, rows, width, height }) => {
      accept?.();
      say('window-change', sizeOf({ columns, rows, width, height }));
    });
    session.on('signal', (accept: (() => void) | undefined, _reject, { name }) => {
      accept?.();
      say('signal', strings(name));
    });
    session.on('x11', (_accept, reject: (() => void) | undefined) => {
      reject?.();
      say('x11-req', Buffer.alloc(0));
    });
    session.on('auth-agent', (_accept, reject: (() => void) | undefined) => {
      reject?.();
      say('auth-agent-req@openssh.com', Buffer.alloc(0));
    });
    session.on('close', () => {
      this.receive(plain('close', channel));
      this.#channels.delete(channel);
      this.leave(channel);
    });
  }

  /** Opens a channel that leads elsewhere, which was allowed, and to which the target is connected. */
  #connect(channel: number): void {
    const accept = this.#openings.get(channel);
    this.#openings.delete(channel);
    this.#openRefusals.delete(channel);
    if (accept === undefined) {
      return;
    }
    const stream = accept();
    if (tooSmallPackets(stream)) {
      this.cutOff(new GatewayError('malformed', 'The client takes only packets that are too small.'));
      return;
    }
    const output = new ChannelOutput(stream, () => {
      this.drained();
    });
    const opened: Opened = { started: { stream, output }, exit: null, isForward: true };
    this.#channels.set(channel, opened);
    this.watch(channel, stream);
    stream.on('close', () => {
      this.receive(plain('close', channel));
      this.#channels.delete(channel);
      this.leave(channel);
    });
    this.#begin(channel, opened);
  }

  /** Notes that the client wants a channel that leads elsewhere. */
  #openElsewhere(type: string, body: Uint8Array, reject: RejectConnection): void {
    this.#numbers += 1;
    this.#openRefusals.set(this.#numbers, reject);
    this.receive(open(this.#numbers, type, body));
  }
}

function exitOf({ type, body }: Message & { readonly kind: 'request' }, { started, exit }: Opened): (() => void) | null {
  if (type === 'exit-status') {
    const code = readExitCode(body);
    return () => started?.stream.exit(code);
  }
  if (type === 'exit-signal') {
    const { signal, hasCore, words } = readExitSignal(body);
    return () => started?.stream.exit(signal, hasCore, words);
  }
  return exit;
}

/** Says how it has ended after all output, and closes the channel. */
function finish({ started, exit, isForward }: Opened): void {
  started?.output.finish(() => {
    exit?.();
    started.stream.end();
    if (isForward) {
      started.stream.close();
    }
  });
}
