import { askOnce, retryMsOf } from '../exchange/ask-once.ts';

/** The longest time in ms until an answer is there. */
const answerMs = 20_000;
/** Most bytes that are read of the body of an answer. Nothing is done with them. */
const bodyBytesMax = 64 * 1024;

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
export async function post(url: URL, headers: readonly (readonly [string, string])[], sending: Sending): Promise<Posted> {
  const answer = await askOnce(url, {
    ...sending,
    method: 'POST',
    headers: [['content-type', 'application/json'], ...headers],
    answerMs,
    bodyBytesMax,
    who: 'The receiver',
  });
  return { status: answer.status, retryMs: retryMsOf(answer) };
}
