import type { Channel, HeldNotice } from '../domain/channel.ts';
import { GatewayError } from '../domain/errors.ts';
import { untilCommitted } from '../wire/until-committed.ts';
import { begunHead } from './answer/begun-answer.ts';
import { writeBody, writeHead, type ClientHead } from './client-response.ts';
import type { ClientResponse } from './exchange.ts';
import { composeResponseHead } from './head.ts';
import type { Headers, HeldForms } from './reading.ts';

/** Time in ms between two events to a client that waits. Most clients wait a minute for each. */
const betweenMs = 10_000;
/** No event is added while the client has not taken this many bytes. */
const untakenBytesMax = 16 * 1024;

export interface WaitingParts {
  readonly channel: Channel;
  readonly response: ClientResponse;
  readonly ownHeaders: Headers;
  readonly event: NonNullable<HeldForms['event']>;
}

/** Tells the client of a held request that it waits: begins its answer as a stream of events, and adds an event from time to time. What the target answers continues the stream. */
export class WaitingAnswer {
  readonly head: ClientHead = begunHead;
  readonly #parts: WaitingParts;
  readonly #notice: HeldNotice;
  readonly #timer: NodeJS.Timeout;
  #told = 0;

  /** Throws GatewayError `cannot_record`. */
  constructor(parts: WaitingParts, notice: HeldNotice) {
    this.#parts = parts;
    this.#notice = notice;
    this.#timer = setInterval(this.#tellAgain, betweenMs);
    this.#tell();
  }

  /** Tells nothing more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Tells nothing more, and resolves when all that was told is committed. Rejects as `untilCommitted` does. */
  async end(): Promise<void> {
    this.stop();
    await untilCommitted(this.#parts.channel);
  }

  readonly #tellAgain = (): void => {
    if (this.#parts.response.writableLength > untakenBytesMax) {
      return;
    }
    try {
      this.#tell();
    } catch (error) {
      this.stop();
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    }
  };

  #tell(): void {
    const { channel, response, ownHeaders, event } = this.#parts;
    const isFirst = this.#told === 0;
    const bytes = event(this.#notice, this.#told);
    const { status, statusText, headers } = this.head;
    const begun = isFirst ? [composeResponseHead(status, statusText, headers)] : [];
    const attributes = isFirst ? { 'http.response.status_code': status } : {};
    this.#told += 1;
    channel.record('response', { request: this.#notice.request, attributes }, [...begun, bytes], true);
    channel.whenCommitted(() => {
      if ('stream' in response ? response.stream.destroyed : response.destroyed) {
        return;
      }
      if (isFirst) {
        writeHead(response, { ...this.head, headers: [...headers, ...ownHeaders] });
      }
      writeBody(response, bytes);
    });
  }
}
