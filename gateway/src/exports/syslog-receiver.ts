import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { createSecureContext } from 'node:tls';
import { severities } from '../domain/alert.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { dial } from '../wire/dialer.ts';
import type { FeedRecord } from './feed-record.ts';
import type { Receiver } from './receiver.ts';

const dialMs = 10_000;
/** A receiver fails that takes nothing of a message for so long. */
const takeMs = 30_000;
/** When the sink ends, it has so long to take what was sent. */
const endMs = 1000;
/** The facility "log audit": https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1 */
const facility = 13;
/** The severities of syslog for those of alerts, and that of any other record. */
const severityOf: Readonly<Record<(typeof severities)[number], number>> = { info: 6, low: 5, medium: 4, high: 3, critical: 2 };
const informational = 6;
/** Syslog has no answer by which a receiver says that it took a message, so messages are sent again if the connection is lost so soon after them. */
const settleMs = 3000;

export interface SyslogAddress {
  readonly host: string;
  readonly port: number;
  /** PEM file of the authorities that may have signed the receiver's certificate; null: those of the system. */
  readonly caFile: string | null;
}

/** Sends each record as a message of RFC 5424 over TLS, with its length before it (RFC 5425). */
export function syslogReceiver({ host, port, caFile }: SyslogAddress, textOf: (record: FeedRecord) => string, stallMs = takeMs): Receiver {
  let socket: Socket | null = null;
  const connect = async (signal: AbortSignal): Promise<Socket> => {
    const context = createSecureContext(caFile === null ? {} : { ca: await readFile(caFile) });
    const dialling = dial({ host, port, options: {} }, { dialMs, signal, tls: { context, verify: true, alpnProtocols: [] } });
    await dialling.ready;
    // A receiver sends nothing; what it sends is read, so that the end of the connection is noticed.
    dialling.socket.resume();
    dialling.socket.on('end', () => dialling.socket.destroy());
    return dialling.socket;
  };
  return {
    batchMax: 500,
    collectMs: 0,
    settleMs,
    send: async (records, signal) => {
      if (socket?.destroyed === true) {
        socket = null;
        throw new Error('the receiver closed the connection');
      }
      socket ??= await connect(signal);
      const bytes = Buffer.concat(records.map((record) => frameOf(record, textOf(record))));
      const open = socket;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onClose = (): void => {
        reject(new Error('the receiver closed the connection'));
      };
      const onStall = (): void => {
        reject(new Error('the receiver does not take what it is sent'));
        open.destroy();
      };
      signal.addEventListener('abort', onClose);
      open.once('close', onClose).setTimeout(stallMs, onStall);
      open.write(bytes, (error) => {
        if (error instanceof Error) {
          reject(error);
        } else {
          resolve();
        }
      });
      try {
        await promise;
      } finally {
        signal.removeEventListener('abort', onClose);
        open.off('close', onClose).setTimeout(0, onStall);
      }
    },
    [Symbol.asyncDispose]: async () => {
      const open = socket;
      if (open !== null && !open.destroyed) {
        open.setTimeout(Math.min(stallMs, endMs), () => open.destroy());
        const closed = once(open, 'close');
        open.end(() => open.destroy());
        await closed;
      }
    },
  };
}

/** Makes the message of a record, with the number of its bytes before it. The text is JSON, so it has no control characters. */
function frameOf({ shown }: FeedRecord, text: string): Buffer {
  const severity = severities.find((each) => each === shown.attributes[ownAttributes.severity]);
  const priority = facility * 8 + (severity === undefined ? informational : severityOf[severity]);
  const message = Buffer.from(
    `<${priority}>1 ${shown.time} ${nameOf(hostname(), 255)} countersign ${process.pid} ${nameOf(shown.action ?? shown.kind, 32)} - ${text}`,
  );
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/** A name in the head of a message: printable ASCII without spaces. */
function nameOf(text: string, lengthMax: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, lengthMax) || '-';
}
