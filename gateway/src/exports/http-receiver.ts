import { askOnce, retryMsOf } from '../exchange/ask-once.ts';
import { RefusedRecords, TryLater } from './receiver.ts';

const answerMs = 30_000;
const bodyBytesMax = 64 * 1024;
/** The statuses by which a receiver says that it will never take what was sent. All others may pass: a wrong credential is mended, a server comes back. */
const refusals: ReadonlySet<number> = new Set([400, 413, 415, 422]);

export interface HttpSending {
  readonly method: 'POST' | 'PUT';
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly caFile: string | null;
  readonly signal: AbortSignal;
}

/** Sends a request to a receiver of records. Resolves with the body of its answer. Rejects with `RefusedRecords` or `TryLater`, or with a GatewayError. */
export async function sendRecords(url: URL, { caFile, ...sending }: HttpSending): Promise<string> {
  const answer = await askOnce(url, { ...sending, caFile: caFile ?? undefined, answerMs, bodyBytesMax, who: 'The receiver' });
  const { status, body } = answer;
  if (status >= 200 && status < 300) {
    return body.toString();
  }
  const message = `The receiver answers with the status ${status}.`;
  throw refusals.has(status) ? new RefusedRecords(message) : new TryLater(message, retryMsOf(answer));
}
