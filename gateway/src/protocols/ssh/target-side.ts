import type { Client as SshConnection, ClientChannel, PseudoTtyOptions } from 'ssh2';
import { GatewayError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import type { RelayedTarget } from '../../wire/relay-loop.ts';
import { data, errorData, exitSignal, exitStatus, plain } from './compose.ts';
import { forwardType, readMessages, readPlace, readSize, readTerminal, readText, readVariable, type Message } from './messages.ts';
import { MessageFlow, tooSmallPackets, type Transport } from './message-flow.ts';

/** The preparation of a channel, until something runs in it. */
interface Prepared {
  environment: Record<string, string>;
  terminal: PseudoTtyOptions | null;
}

type ToChannel = Message & { readonly channel: number };

/** The connection to a target, as ssh2 has it, as a stream of messages. */
export class TargetSide extends MessageFlow<ClientChannel> implements RelayedTarget {
  readonly #connection: SshConnection;
  readonly #prepared = new Map<number, Prepared>();
  /** Messages for channels that the target has not opened yet. */
  readonly #early = new Map<number, ToChannel[]>();

  constructor(connection: SshConnection, socket: Transport['socket']) {
    super({ socket, connection });
    this.#connection = connection;
    refuseGlobalRequests(connection);
    connection.on('handshake', () => {
      this.drained();
    });
    connection.on('error', (error) => {
      this.ended(error);
    });
    connection.on('close', () => {
      this.ended(null);
    });
  }

  forward(grant: Grant): void {
    for (const message of readMessages(grant.spend())) {
      if ('channel' in message) {
        this.#pass(message);
      }
    }
  }

  end(): void {
    this.#connection.end();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  #pass(message: ToChannel): void {
    const stream = this.streams.get(message.channel);
    const early = this.#early.get(message.channel);
    if (stream !== undefined) {
      this.#write(message, stream);
    } else if (early !== undefined) {
      early.push(message);
    } else {
      this.#prepare(message);
    }
  }

  #prepare(message: ToChannel): void {
    if (message.kind === 'open' && message.type === forwardType) {
      this.#forward(message.channel, readPlace(message.type, message.body));
      return;
    }
    if (message.kind === 'open') {
      this.#prepared.set(message.channel, { environment: {}, terminal: null });
      return;
    }
    const prepared = this.#prepared.get(message.channel);
    if (message.kind !== 'request' || prepared === undefined) {
      return;
    }
    if (message.type === 'env') {
      const [name, value] = readVariable(message.body);
      prepared.environment[name] = value;
    } else if (message.type === 'pty-req') {
      const { term, columns: cols, rows, width, height } = readTerminal(message.body);
      prepared.terminal = { term, cols, rows, width, height };
    } else {
      this.#prepared.delete(message.channel);
      this.#start(message, prepared);
    }
  }

  /** Has the target connect to a place, `HOST:PORT`. */
  #forward(channel: number, place: string): void {
    const port = place.lastIndexOf(':');
    this.#connection.forwardOut('127.0.0.1', 0, place.slice(0, port), Number(place.slice(port + 1)), this.#opening(channel, true));
  }

  /** Returns what is called when the target has opened a channel, or has not. */
  #opening(channel: number, isForward: boolean): (error: Error | undefined, stream: ClientChannel) => void {
    this.#early.set(channel, []);
    return (error, stream) => {
      const early = this.#early.get(channel) ?? [];
      this.#early.delete(channel);
      if (error !== undefined) {
        this.receive(plain('failure', channel));
        this.receive(plain('close', channel));
        return;
      }
      if (tooSmallPackets(stream)) {
        this.cutOff(new GatewayError('malformed', 'The target takes only packets that are too small.'));
        return;
      }
      this.#begin(channel, stream, isForward);
      for (const message of early) {
        this.#write(message, stream);
      }
    };
  }

  #start({ channel, type, body }: ToChannel & { readonly kind: 'request' }, { environment: env, terminal }: Prepared): void {
    const begun = this.#opening(channel, false);
    if (type === 'exec') {
      this.#connection.exec(readText(body), { env, ...(terminal === null ? {} : { pty: terminal }) }, begun);
    } else if (type === 'shell') {
      this.#connection.shell(terminal ?? false, { env }, begun);
    } else {
      this.#connection.subsys(readText(body), begun);
    }
  }

  #begin(channel: number, stream: ClientChannel, isForward: boolean): void {
    this.receive(plain('success', channel));
    if (isForward) {
      stream.on('end', () => {
        this.receive(plain('eof', channel));
      });
    }
    stream.on('data', (bytes: Buffer) => {
      this.receive(data(channel, bytes));
    });
    stream.stderr.on('data', (bytes: Buffer) => {
      this.receive(errorData(channel, bytes));
    });
    stream.on('close', (code?: number | null, signal?: string, hasCore?: boolean, words?: string) => {
      const end = (): void => {
        if (typeof code === 'number') {
          this.receive(exitStatus(channel, code));
        } else if (signal !== undefined) {
          this.receive(exitSignal(channel, signal.replace(/^SIG/, ''), { hasCore: hasCore === true, words: words ?? '' }));
        }
        if (!isForward) {
          this.receive(plain('eof', channel));
        }
        this.receive(plain('close', channel));
        this.leave(channel);
      };
      // ssh2 waits for the end of the output, and not for that of the error output.
      if (stream.stderr.readableEnded) {
        end();
      } else {
        stream.stderr.once('end', end);
      }
    });
    this.watch(channel, stream);
    this.join(channel, stream);
  }

  #write(message: ToChannel, stream: ClientChannel): void {
    if (message.kind === 'data') {
      stream.write(message.bytes);
    } else if (message.kind === 'eof') {
      stream.end();
    } else if (message.kind === 'close') {
      stream.destroy();
    } else if (message.kind === 'request' && message.type === 'window-change') {
      const { columns, rows, width, height } = readSize(message.body);
      stream.setWindow(rows, columns, height, width);
    } else if (message.kind === 'request' && message.type === 'signal') {
      stream.signal(readText(message.body));
    }
  }
}

/** The part of ssh2 that answers requests that are about no channel. */
interface RequestAnswerer {
  readonly _protocol: { readonly _handlers: { GLOBAL_REQUEST: (protocol: { requestFailure(): void }, name: string, wantsReply: boolean) => void } };
}

/** Refuses what a target asks of its client. ssh2 would have it prove each key that it names (hostkeys-00@openssh.com), and keeps what it asks for as long as there is no answer. */
function refuseGlobalRequests(connection: SshConnection): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fixed version of ssh2 has these parts
  (connection as unknown as RequestAnswerer)._protocol._handlers.GLOBAL_REQUEST = (protocol, _name, wantsReply) => {
    if (wantsReply) {
      protocol.requestFailure();
    }
  };
}
