import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';
import { dial } from '../wire/dialer.ts';
import { reasonOf } from '../wire/failure-reason.ts';
import { composeRequestHead } from './head.ts';
import { pairHeaders } from './headers.ts';
import { headerOf } from './reading.ts';
import { AnswerParser } from './target/answer-parser.ts';

/** The longest time in ms until a server is reached. */
const dialMs = 10_000;
/** Most answers of status 1xx. */
const informationsMax = 32;

/** The longest time in s for which a server is left alone because it says so. */
const retryAfterSecondsMax = 3_600;

/** A request that the gateway makes on its own account, over a connection of its own. */
export interface OwnRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | Uint8Array;
  readonly signal: AbortSignal;
  /** The longest time in ms until the answer is there. */
  readonly answerMs: number;
  /** Most bytes that are read of the body of the answer. */
  readonly bodyBytesMax: number;
  /** The PEM file of the authorities that may have signed the server's certificate. Absent: those of the system. */
  readonly caFile?: string | undefined;
  /** True: the server is this gateway, whose certificate need not be one for the address of this machine. */
  readonly isOwn?: boolean;
  /** The server as messages name it, at the beginning of a sentence. */
  readonly who: string;
}

export interface OwnAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  /** The body, or its beginning if it is longer than was to be read. */
  readonly body: Buffer;
  readonly isWhole: boolean;
}

/**
 * Makes one request, and reads its answer. No redirect is followed. Rejects with GatewayError `target_unreachable` or `target_tls_failed`, or with the signal's
 * reason.
 */
export async function askOnce(url: URL, request: OwnRequest): Promise<OwnAnswer> {
  const { method, headers, body, signal, answerMs, caFile, who } = request;
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const tls = isSecure ? { context: await readContext(caFile), verify: request.isOwn !== true, alpnProtocols: ['http/1.1'] } : null;
  const { socket, ready } = dial({ host, port: Number(url.port || (isSecure ? 443 : 80)), options: {} }, { dialMs, signal, tls });
  const { promise: answered, resolve, reject } = Promise.withResolvers<OwnAnswer>();
  const timer = setTimeout(() => {
    reject(new GatewayError('target_unreachable', `${who} gave no answer within ${answerMs / 1000} s.`));
  }, answerMs);
  const abort = (): void => {
    reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  // It may reject while the server is still dialled.
  answered.catch(() => undefined);
  try {
    const own = [
      ['host', url.host],
      ...(body.length === 0 ? [] : [['content-length', String(Buffer.byteLength(body))] as const]),
      ['user-agent', 'countersign'],
      ['connection', 'close'],
    ] as const;
    socket.write(composeRequestHead({ method, path: `${url.pathname}${url.search}`, headers: [...own, ...headers] }));
    if (body.length > 0) {
      socket.write(body);
    }
    const parser = answerParser(request, resolve);
    socket.on('data', (bytes: Buffer) => {
      try {
        parser.read(bytes);
      } catch (error) {
        reject(error);
      }
    });
    socket.on('close', () => {
      parser.close();
      reject(new GatewayError('target_unreachable', `${who} closed the connection before its answer was there.`));
    });
    await ready;
    return await answered;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** Returns the time in ms that a server wants to be left alone for; null if it says nothing. */
export function retryMsOf({ rawHeaders }: Pick<OwnAnswer, 'rawHeaders'>): number | null {
  const seconds = Number(headerOf(pairHeaders(rawHeaders), 'retry-after') ?? NaN);
  return Number.isSafeInteger(seconds) && seconds >= 0 ? Math.min(seconds, retryAfterSecondsMax) * 1000 : null;
}

/** Reads the authorities anew for each request, so that a file that was replaced counts. Rejects with GatewayError `target_tls_failed`. */
async function readContext(caFile: string | undefined): Promise<SecureContext> {
  try {
    return createSecureContext(caFile === undefined ? {} : { ca: await readFile(caFile) });
  } catch (cause) {
    throw new GatewayError('target_tls_failed', `The file ${caFile} cannot be read as certificates: ${reasonOf(cause)}.`, { cause });
  }
}

/** Reads an answer to its end, so that the server sees it taken, or to the limit of its body. */
function answerParser({ method, bodyBytesMax, who }: OwnRequest, resolve: (answer: OwnAnswer) => void): AnswerParser {
  let head: Pick<OwnAnswer, 'status' | 'rawHeaders'> = { status: 0, rawHeaders: [] };
  const pieces: Buffer[] = [];
  let bytes = 0;
  let informations = 0;
  const end = (isWhole: boolean): void => {
    resolve({ ...head, body: Buffer.concat(pieces), isWhole });
  };
  const receiver = {
    onInformation: () => {
      informations += 1;
      if (informations > informationsMax) {
        throw new GatewayError('target_unreachable', `${who} sent more than ${informationsMax} informational answers (1xx).`);
      }
    },
    onHead: ({ status, rawHeaders }: Pick<OwnAnswer, 'status' | 'rawHeaders'>) => {
      head = { status, rawHeaders };
    },
    onBody: (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > bodyBytesMax) {
        end(false);
      } else {
        pieces.push(piece);
      }
    },
    onEnd: () => {
      end(true);
    },
  };
  return new AnswerParser(receiver, method === 'HEAD');
}
