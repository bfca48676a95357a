import { strict as assert } from 'node:assert';
import type { Duplex, Readable, Writable } from 'node:stream';
import { GatewayError } from '../../domain/errors.ts';
import type { Receiver } from '../../domain/byte-stream.ts';
import type { ConnectionDuplex } from './duplex.ts';

/** Most bytes of messages that wait while nothing is read. Data does not wait here, but in its stream; a peer that sends so many other messages is cut off. */
const waitingBytesMax = 1024 * 1024;

/** Most bytes of a channel that wait to be read. ssh2 grants a window again when half of it is used, twice, and whoever sends more than that does not keep to it. */
const unreadBytesMax = 8 * 1024 * 1024;

/** Fewest bytes of a packet that a peer must be ready to take. */
const packetBytesMin = 512;

/** The connection below ssh2, and the packets that ssh2 keeps until new keys are agreed on. */
export interface Transport {
  readonly socket: ConnectionDuplex;
  readonly connection: object;
}

/** The stream of a channel, with that of its standard error. */
type ChannelStream = Duplex & { readonly stderr: Readable | Writable };

/** One side of an SSH connection as a stream of messages: those that come are given to a receiver, and those that go are written into the streams of their channels. */
export abstract class MessageFlow<Stream extends ChannelStream> {
  /** The streams of the channels that are read and written, by their numbers. */
  protected readonly streams = new Map<number, Stream>();
  /** Those, and the streams of the channels in which nothing may run yet. */
  readonly #opened = new Map<number, Stream>();
  readonly #transport: Transport | null;
  #receiver: Receiver | null = null;
  #isPaused = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Set when no more messages come. */
  #end: { readonly error: Error | null } | null = null;

  constructor(transport: Transport | null) {
    this.#transport = transport;
    transport?.socket.on('drain', () => {
      this.drained();
    });
    transport?.socket.on('data', () => {
      this.#limitUnread();
    });
  }

  flow(receiver: Receiver): void {
    assert(this.#receiver === null, 'messages flow to one receiver');
    this.#receiver = receiver;
    this.#deliver();
  }

  pause(): void {
    this.#isPaused = true;
    for (const stream of this.streams.values()) {
      setPaused(stream, true);
    }
  }

  resume(): void {
    this.#isPaused = false;
    this.#deliver();
    for (const stream of this.streams.values()) {
      setPaused(stream, this.#isPaused);
    }
  }

  /** Number of bytes that wait because a peer does not take them. */
  get queuedBytes(): number {
    let bytes = this.#transport === null ? 0 : this.#transport.socket.queuedBytes + keptBytes(this.#transport.connection);
    for (const { stderr, writableNeedDrain, writableLength } of this.streams.values()) {
      bytes += (writableNeedDrain ? writableLength : 0) + ('writableNeedDrain' in stderr && stderr.writableNeedDrain ? stderr.writableLength : 0);
    }
    return bytes;
  }

  cork(): void {
    // Messages are packets of their own.
  }

  uncork(): void {
    // See `cork`.
  }

  /** Cuts the connection. */
  abstract destroy(): void;

  /** Limits from now on what waits in a channel. */
  protected watch(channel: number, stream: Stream): void {
    this.#opened.set(channel, stream);
    for (const each of [stream, stream.stderr]) {
      each.on('error', () => undefined);
    }
  }

  /** Reads and writes a channel from now on. */
  protected join(channel: number, stream: Stream): void {
    this.streams.set(channel, stream);
    for (const each of [stream, stream.stderr]) {
      each.on('drain', () => {
        this.drained();
      });
    }
    setPaused(stream, this.#isPaused);
  }

  protected leave(channel: number): void {
    this.streams.delete(channel);
    this.#opened.delete(channel);
    this.drained();
  }

  /** Notes that the peer has taken what waited. */
  protected drained(): void {
    this.#receiver?.onDrain();
  }

  /** Gives a message to the receiver. */
  protected receive(frame: Buffer): void {
    if (this.#receiver !== null && !this.#isPaused && this.#waiting.length === 0) {
      this.#receiver.onBytes(frame);
      return;
    }
    this.#waitingBytes += frame.length;
    this.#waiting.push(frame);
    if (this.#waitingBytes > waitingBytesMax) {
      this.cutOff(new GatewayError('limit_exceeded', `More than ${waitingBytesMax} bytes of messages wait.`));
    }
  }

  /** Cuts off a peer that keeps to no limit. */
  protected cutOff(error: GatewayError): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.ended(error);
    this.destroy();
  }

  /** ssh2 takes what a peer sends although no window allows it. */
  #limitUnread(): void {
    for (const { readableLength, stderr } of this.#opened.values()) {
      if (readableLength + ('readableLength' in stderr ? stderr.readableLength : 0) > unreadBytesMax) {
        this.cutOff(new GatewayError('limit_exceeded', `More than ${unreadBytesMax} bytes of a channel wait, which its window does not allow.`));
        return;
      }
    }
  }

  protected ended(error: Error | null): void {
    if (this.#end === null) {
      this.#end = { error };
      this.#deliver();
    }
  }

  /** Gives the receiver what waits. Once no more can come, it gets all of it, and the end: who waits for people must learn that the client has left. */
  #deliver(): void {
    const receiver = this.#receiver;
    while (receiver !== null && (!this.#isPaused || this.#end !== null)) {
      const frame = this.#waiting.shift();
      if (frame === undefined) {
        break;
      }
      this.#waitingBytes -= frame.length;
      receiver.onBytes(frame);
    }
    if (receiver !== null && this.#end !== null) {
      this.#receiver = null;
      receiver.onEnd(this.#end.error);
    }
  }
}

/** True if a peer wants packets so small that each byte costs one; ssh2 would send packets of no bytes without end. https://www.rfc-editor.org/rfc/rfc4254#section-5.1 */
export function tooSmallPackets({ outgoing }: { readonly outgoing: unknown }): boolean {
  return !(
    typeof outgoing === 'object' &&
    outgoing !== null &&
    'packetSize' in outgoing &&
    typeof outgoing.packetSize === 'number' &&
    outgoing.packetSize >= packetBytesMin
  );
}

/** Returns the number of bytes that ssh2 keeps while new keys are agreed on: a peer may never end that. */
function keptBytes(connection: object): number {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fixed version of ssh2 has these parts
  const { _protocol: protocol } = connection as { readonly _protocol?: { readonly _queue?: readonly Uint8Array[] } };
  return (protocol?._queue ?? []).reduce((sum, { length }) => sum + length, 0);
}

function setPaused(stream: ChannelStream, isPaused: boolean): void {
  for (const each of 'resume' in stream.stderr ? [stream, stream.stderr] : [stream]) {
    if (isPaused) {
      each.pause();
    } else {
      each.resume();
    }
  }
}
