import { GatewayError } from './domain/errors.ts';
import type { Issuer } from './domain/issuer.ts';
import { askOnce } from './exchange/ask-once.ts';

const answerMs = 5_000;
const bodyBytesMax = 256 * 1024;

/** Reads a JSON document that an issuer publishes. Rejects with GatewayError `issuer_unreachable`, `target_unreachable` or `target_tls_failed`. */
export async function readIssuerDocument(url: URL, { caFile }: Pick<Issuer, 'caFile'>): Promise<unknown> {
  const who = `The issuer at ${url.origin}`;
  const { status, body, isWhole } = await askOnce(url, {
    method: 'GET',
    headers: [['accept', 'application/json']],
    body: '',
    signal: AbortSignal.timeout(2 * answerMs),
    answerMs,
    bodyBytesMax,
    caFile,
    who,
  });
  const unreadable = (why: string): GatewayError => new GatewayError('target_unreachable', `${who} gave ${why} for ${url.pathname}.`);
  if (status !== 200 || !isWhole) {
    throw unreadable(status === 200 ? `more than ${bodyBytesMax} bytes` : `the status ${status}`);
  }
  try {
    return JSON.parse(body.toString());
  } catch {
    throw unreadable('no JSON');
  }
}
