import { readFile } from 'node:fs/promises';
import { GatewayError } from '../domain/errors.ts';
import type { MailSink } from '../domain/sink.ts';
import { isLinkLocal } from '../wire/link-local.ts';
import { reasonOf } from '../wire/failure-reason.ts';
import type { Posted } from './post.ts';

const answerMs = 20_000;

/** A mail as the outbox keeps it. */
export interface MailBody {
  readonly subject: string;
  readonly text: string;
}

interface Sending {
  /** The id of the message, which is the same whenever it is sent. */
  readonly id: string;
  readonly body: string;
}

/**
 * Sends a mail over TLS, and resolves with the status of the answer: 250, or one by which it is tried again. Rejects with GatewayError `target_unreachable`.
 */
export async function sendMail({ url, from, to, secret, caFile }: MailSink, { id, body }: Sending): Promise<Posted> {
  const { protocol, hostname, port, username } = new URL(url);
  if (isLinkLocal(hostname)) {
    throw new GatewayError('target_unreachable', `The address ${hostname} is link-local: no mail is sent there.`);
  }
  const isSecure = protocol === 'smtps:';
  // It takes longest to load of all that sends, and many gateways send no mail.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    host: hostname,
    port: Number(port || (isSecure ? 465 : 587)),
    secure: isSecure,
    requireTLS: true,
    ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: secret?.() ?? '' } }),
    ...(caFile === undefined ? {} : { tls: { ca: await readFile(caFile) } }),
    connectionTimeout: answerMs,
    greetingTimeout: answerMs,
    socketTimeout: answerMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the notices of this folder make it
    const { subject, text } = JSON.parse(body) as MailBody;
    await transport.sendMail({ from, to: [...to], subject, text, messageId: `<${id}@countersign>`, headers: { 'Auto-Submitted': 'auto-generated' } });
    return { status: 250, retryMs: null };
  } catch (cause) {
    throw new GatewayError('target_unreachable', `The mail server at ${hostname} does not take the mail: ${wordsOf(cause)}.`, { cause });
  } finally {
    transport.close();
  }
}

/** Describes a failure without what the server said, which may repeat the mail. */
function wordsOf(error: unknown): string {
  if (error instanceof Error && 'responseCode' in error && typeof error.responseCode === 'number') {
    return `it answers ${error.responseCode}`;
  }
  return reasonOf(error);
}
