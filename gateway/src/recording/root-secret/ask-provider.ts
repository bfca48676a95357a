import { GatewayError } from '../../domain/errors.ts';
import { askOnce, type OwnRequest } from '../../exchange/ask-once.ts';

const answerMs = 10_000;
const answerBytesMax = 64 * 1024;

/** Asks a service that wraps root secrets, and returns the JSON of its answer. Rejects with GatewayError `key_unavailable`: what it says is quoted, up to 200 characters, and what was sent is not. */
export async function askProvider(
  url: URL,
  { who, headers, body, caFile }: Pick<OwnRequest, 'who' | 'headers'> & { readonly body: string; readonly caFile: string | null },
): Promise<unknown> {
  const unavailable = (why: string, cause?: unknown): GatewayError =>
    new GatewayError('key_unavailable', `${who} does not give the root key: ${why}`, { cause });
  const answer = await askOnce(url, {
    method: 'POST',
    headers,
    body,
    signal: new AbortController().signal,
    answerMs,
    bodyBytesMax: answerBytesMax,
    caFile: caFile ?? undefined,
    who,
  }).catch((cause: unknown) => {
    throw cause instanceof GatewayError ? unavailable(cause.message, cause) : cause;
  });
  if (answer.status !== 200 || !answer.isWhole) {
    const said = answer.body.toString('utf8', 0, 200).replaceAll(/[^\x20-\x7e]/g, ' ');
    throw unavailable(
      `it answers with the status ${answer.status}: ${said}. Check that the key is there and enabled, and that the credential of the gateway may encrypt and decrypt with it.`,
    );
  }
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    throw unavailable('its answer is no JSON.');
  }
}
