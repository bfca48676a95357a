import type { EventEmitter } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import { constants } from 'node:http2';
import type { ClientResponse } from './exchange.ts';
import { PlainResponse } from './plain/plain-response.ts';
import type { Headers } from './reading.ts';

/** Answers clients. The differences between HTTP/1.1 and HTTP/2, and between plain requests and others, are all in this file. */

export interface ClientHead {
  readonly status: number;
  /** The text of the status. HTTP/2 has none. */
  readonly statusText: string;
  readonly headers: Headers;
}

export function writeHead(response: ClientResponse, { status, statusText, headers }: ClientHead): void {
  if (response instanceof PlainResponse) {
    response.writeHead(status, statusText, headers);
  } else if ('stream' in response) {
    response.writeHead(status, headers.flat());
  } else {
    response.writeHead(status, statusText, headers.flat());
  }
}

/** True if the status can be sent. Node's HTTP/2 refuses statuses above those that are defined. */
export function isAnswerStatus(response: ClientResponse, status: number): boolean {
  return status >= 200 && (status < 600 || !('stream' in response));
}

/** Sends the head at once, before any bytes of the body. */
export function flushHead(response: ClientResponse): void {
  // With HTTP/2 it was already sent.
  if (!('stream' in response)) {
    response.flushHeaders();
  }
}

export function writeBody(response: ClientResponse, piece: Uint8Array): void {
  if ('stream' in response) {
    response.write(piece);
  } else {
    response.write(piece);
  }
}

/** Sends the last piece, which may be empty, together with the end. Node does that by itself; within `cork()`, Node 24 would send the end before the piece. */
export function endBody(response: ClientResponse, piece: Uint8Array): void {
  if (response instanceof PlainResponse) {
    response.end(piece);
  } else if (piece.length === 0) {
    response.end();
  } else if ('stream' in response) {
    response.end(piece);
  } else {
    response.end(piece);
  }
}

/** Tells a client that waits for it to send the body. A plain request never waits. */
export function writeContinue(response: ClientResponse): void {
  if (!(response instanceof PlainResponse)) {
    response.writeContinue();
  }
}

/** Sends an interim answer. A client that only knows HTTP/1.0 would take it for the final answer, so it gets none (RFC 9110, 15.2). */
export function writeInformation(response: ClientResponse, { status, statusText, headers }: ClientHead): void {
  if (response instanceof PlainResponse) {
    response.writeInformation(status, statusText, headers);
  } else if ('stream' in response) {
    if (!response.stream.destroyed) {
      response.stream.additionalHeaders({ ':status': status, ...byName(headers) });
    }
  } else if (response.req.httpVersion !== '1.0') {
    response.writeInformation(status, headers.flat());
  }
}

export function writeTrailers(response: ClientResponse, trailers: Headers): void {
  if (response instanceof PlainResponse) {
    response.addTrailers(trailers);
  } else {
    response.addTrailers(byName(trailers));
  }
}

function byName(headers: Headers): OutgoingHttpHeaders {
  const lines = Map.groupBy(headers, ([name]) => name);
  return Object.fromEntries([...lines].map(([name, same]) => [name, same.map(([, value]) => value)]));
}

/** Answers a request that was not read to its end, if the client is still there. Over HTTP/1.1 the connection ends with this answer. */
export function endEarly(response: ClientResponse, head: ClientHead, body: string): void {
  const length = ['content-length', String(Buffer.byteLength(body))] as const;
  if ('stream' in response) {
    if (!response.stream.destroyed) {
      writeHead(response, { ...head, headers: [...head.headers, length] });
      const { stream } = response;
      // Only a client that is still sending is told to stop, after the end of the answer (RFC 9113, 8.1). Clients in Go repeat a request whose answer is not
      // whole.
      if (stream.state.remoteClose !== 1) {
        stream.once('finish', () => {
          // Node sends a reset before queued bytes, and these only at the end of the turn.
          setImmediate(() => {
            stream.close(constants.NGHTTP2_NO_ERROR);
          });
        });
      }
      response.end(body);
    }
  } else if (!response.destroyed) {
    writeHead(response, { ...head, headers: [...head.headers, length, ['connection', 'close']] });
    endBody(response, Buffer.from(body));
  }
}

/** Ends an answer that has begun with a last event. Breaks it off if the client does not take it within `limitMs`. */
export function endWith(response: ClientResponse, event: Uint8Array, limitMs: number): void {
  if ('stream' in response ? response.stream.destroyed : response.destroyed) {
    return;
  }
  const timer = setTimeout(breakOff, limitMs, response);
  onceClosed(response, () => {
    clearTimeout(timer);
  });
  endBody(response, event);
}

/** Breaks an answer off in a way that the client notices, so that it is not taken for a whole one. */
export function breakOff(response: ClientResponse): void {
  if ('stream' in response) {
    response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  } else {
    response.destroy();
  }
}

/** Calls back when the client has the whole answer, or has left. */
export function onceClosed(response: ClientResponse, act: () => void): void {
  // Node's HTTP/2 response emits nothing if a HEAD request is reset; its stream does.
  const closing: EventEmitter = 'stream' in response ? response.stream : response;
  closing.once('close', act);
}

/** Calls back each time the client has taken what was queued for it. */
export function onDrained(response: ClientResponse, act: () => void): void {
  const draining: EventEmitter = response;
  draining.on('drain', act);
}

/** Lets an error of the response end it. The response then closes. */
export function endOnError(response: ClientResponse): void {
  if (!(response instanceof PlainResponse)) {
    const failing: EventEmitter = response;
    failing.on('error', () => response.destroy());
  }
}

/** True if the client left before it had the whole response. The response must be closed. */
export function wasCut(response: ClientResponse): boolean {
  const isReset = 'stream' in response && (response.stream.aborted || response.stream.rstCode !== constants.NGHTTP2_NO_ERROR);
  return isReset || !response.writableFinished;
}
