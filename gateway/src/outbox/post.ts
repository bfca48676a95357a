import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';
import { composeRequestHead } from '../exchange/head.ts';
import { headerOf } from '../exchange/reading.ts';
import { pairHeaders } from '../exchange/headers.ts';
import { AnswerParser } from '../exchange/target/answer-parser.ts';
import { dial } from '../wire/dialer.ts';
import { reasonOf } from '../wire/failure-reason.ts';

/** The longest time in ms until a receiver is reached, and until its answer is there. */
const dialMs = 10_000;
const answerMs = 20_000;
/** Most bytes that are read of the body of an answer. Nothing is done with them. */
const bodyBytesMax = 64 * 1024;
/** Most answers of status 1xx. */
const informationsMax = 32;
const retryAfterSecondsMax = 3_600;

export interface Posted {
  readonly status: number;
  /** The time in ms that the receiver wants to be left alone for; null if it says nothing. */
  readonly retryMs: number | null;
}

interface Sending {
  readonly body: string;
  readonly signal: AbortSignal;
  /** The PEM file of the authorities that may have signed the receiver's certificate. Absent: those of the system. */
  readonly caFile?: string | undefined;
}

/**
 * Sends a JSON document to an address, and reads the status of the answer. No redirect is followed. Rejects with GatewayError `target_unreachable` or
 * `target_tls_failed`, or with the signal's reason.
 */
export async function post(url: URL, headers: readonly (readonly [string, string])[], { body, signal, caFile }: Sending): Promise<Posted> {
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const tls = isSecure ? { context: await readContext(caFile), verify: true, alpnProtocols: ['http/1.1'] } : null;
  const { socket, ready } = dial({ host, port: Number(url.port || (isSecure ? 443 : 80)), options: {} }, { dialMs, signal, tls });
  const { promise: answered, resolve, reject } = Promise.withResolvers<Posted>();
  const timer = setTimeout(() => {
    reject(new GatewayError('target_unreachable', `The receiver gave no answer within ${answerMs / 1000} s.`));
  }, answerMs);
  const abort = (): void => {
    reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  // It may reject while the receiver is still dialled.
  answered.catch(() => undefined);
  try {
    const own = [
      ['host', url.host],
      ['content-type', 'application/json'],
      ['content-length', String(Buffer.byteLength(body))],
      ['user-agent', 'countersign'],
      ['connection', 'close'],
    ] as const;
    socket.write(
      Buffer.concat([composeRequestHead({ method: 'POST', path: `${url.pathname}${url.search}`, headers: [...own, ...headers] }), Buffer.from(body)]),
    );
    const parser = answerParser(resolve);
    socket.on('data', (bytes: Buffer) => {
      try {
        parser.read(bytes);
      } catch (error) {
        reject(error);
      }
    });
    socket.on('close', () => {
      parser.close();
      reject(new GatewayError('target_unreachable', 'The receiver closed the connection before its answer was there.'));
    });
    await ready;
    return await answered;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** Reads the authorities anew for each sending, so that a file that was replaced counts. Rejects with GatewayError `target_tls_failed`. */
async function readContext(caFile: string | undefined): Promise<SecureContext> {
  try {
    return createSecureContext(caFile === undefined ? {} : { ca: await readFile(caFile) });
  } catch (cause) {
    throw new GatewayError('target_tls_failed', `The file ${caFile} cannot be read as certificates: ${reasonOf(cause)}.`, { cause });
  }
}

/** Reads an answer to its end, so that the receiver sees it taken, or to the limit of its body. */
function answerParser(resolve: (posted: Posted) => void): AnswerParser {
  let posted: Posted = { status: 0, retryMs: null };
  let bytes = 0;
  let informations = 0;
  const receiver = {
    onInformation: () => {
      informations += 1;
      if (informations > informationsMax) {
        throw new GatewayError('target_unreachable', `The receiver sent more than ${informationsMax} informational answers (1xx).`);
      }
    },
    onHead: ({ status, rawHeaders }: { readonly status: number; readonly rawHeaders: readonly string[] }) => {
      posted = { status, retryMs: readRetryAfter(headerOf(pairHeaders(rawHeaders), 'retry-after')) };
    },
    onBody: (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > bodyBytesMax) {
        resolve(posted);
      }
    },
    onEnd: () => {
      resolve(posted);
    },
  };
  return new AnswerParser(receiver, false);
}

function readRetryAfter(header: string | undefined): number | null {
  const seconds = Number(header ?? NaN);
  return Number.isSafeInteger(seconds) && seconds >= 0 ? Math.min(seconds, retryAfterSecondsMax) * 1000 : null;
}
