import { strict as assert } from 'node:assert';
import type { Duplex, Readable, Writable } from 'node:stream';
import { GatewayError } from '../../domain/errors.ts';
import type { Receiver } from '../../domain/byte-stream.ts';

/** Most bytes of messages that wait while nothing is read. Data does not wait here, but in its stream; a peer that sends so many other messages is cut off. */
const waitingBytesMax = 1024 * 1024;

/** The stream of a channel, with that of its standard error. */
type ChannelStream = Duplex & { readonly stderr: Readable | Writable };

/** One side of an SSH connection as a stream of messages: those that come are given to a receiver, and those that go are written into the streams of their channels. */
export abstract class MessageFlow<Stream extends ChannelStream> {
  /** The streams of the channels, by their numbers. */
  protected readonly streams = new Map<number, Stream>();
  #receiver: Receiver | null = null;
  #isPaused = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Set when no more messages come. */
  #end: { readonly error: Error | null } | null = null;

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
    let bytes = 0;
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

  /** Reads and writes a channel from now on. */
  protected join(channel: number, stream: Stream): void {
    this.streams.set(channel, stream);
    for (const each of [stream, stream.stderr]) {
      each.on('drain', () => {
        this.#receiver?.onDrain();
      });
      each.on('error', () => undefined);
    }
    setPaused(stream, this.#isPaused);
  }

  protected leave(channel: number): void {
    this.streams.delete(channel);
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
      this.#waiting = [];
      this.#waitingBytes = 0;
      this.ended(new GatewayError('limit_exceeded', `More than ${waitingBytesMax} bytes of messages wait.`));
      this.destroy();
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

function setPaused(stream: ChannelStream, isPaused: boolean): void {
  for (const each of 'resume' in stream.stderr ? [stream, stream.stderr] : [stream]) {
    if (isPaused) {
      each.pause();
    } else {
      each.resume();
    }
  }
}
