import { readFile } from 'node:fs/promises';
import { GatewayError } from '../domain/errors.ts';
import type { MailSink } from '../domain/sink.ts';
import { dial } from '../wire/dialer.ts';
import { reasonOf } from '../wire/failure-reason.ts';
import type { Posted } from './post.ts';

/** The longest time in ms until the server is reached, and until it has taken a mail. */
const dialMs = 10_000;
const takenMs = 60_000;

/** A mail as the outbox keeps it. */
export interface MailBody {
  readonly subject: string;
  readonly text: string;
}

interface Sending {
  /** The id of the message, which is the same whenever it is sent. */
  readonly id: string;
  readonly body: string;
  readonly signal: AbortSignal;
}

/**
 * Sends a mail over TLS, and resolves with the status of the answer: 250, or one by which it is tried again. Rejects with GatewayError `target_unreachable`, or with the
 * signal's reason.
 */
export async function sendMail({ url, from, to, secret, caFile }: MailSink, { id, body, signal }: Sending, limitMs = takenMs): Promise<Posted> {
  const { protocol, hostname, port, username } = new URL(url);
  const isSecure = protocol === 'smtps:';
  const place = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (isSecure ? 465 : 587)) };
  // It takes longest to load of all that sends, and many gateways send no mail.
  const { createTransport } = await import('nodemailer');
  const { socket, ready } = dial({ ...place, options: {} }, { dialMs, signal, tls: null });
  await ready;
  // A server may say a little again and again, for which the library waits.
  const end = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const leave = (): void => {
    socket.destroy();
  };
  end.addEventListener('abort', leave, { once: true });
  const transport = createTransport({
    ...place,
    connection: socket,
    secure: isSecure,
    requireTLS: true,
    ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: secret?.() ?? '' } }),
    ...(caFile === undefined ? {} : { tls: { ca: await readFile(caFile) } }),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the notices of this folder make it
    const { subject, text } = JSON.parse(body) as MailBody;
    await transport.sendMail({ from, to: [...to], subject, text, messageId: `<${id}@countersign>`, headers: { 'Auto-Submitted': 'auto-generated' } });
    return { status: 250, retryMs: null };
  } catch (cause) {
    signal.throwIfAborted();
    throw new GatewayError('target_unreachable', `The mail server at ${hostname} does not take the mail: ${wordsOf(cause)}.`, { cause });
  } finally {
    end.removeEventListener('abort', leave);
    socket.destroy();
  }
}

/** Describes a failure without what the server said, which may repeat the mail. */
function wordsOf(error: unknown): string {
  if (error instanceof Error && 'responseCode' in error && typeof error.responseCode === 'number') {
    return `it answers ${error.responseCode}`;
  }
  return reasonOf(error);
}
