import { GatewayError } from '../domain/errors.ts';
import { askOnce } from '../exchange/ask-once.ts';
import type { AskIssuer, ReadDocument } from '../identity/issuer-keys.ts';

const answerMs = 5_000;
const bodyBytesMax = 256 * 1024;

/** Reads a JSON document that an issuer publishes. Rejects with GatewayError `issuer_unreachable`, `target_unreachable` or `target_tls_failed`. */
export const readIssuerDocument: ReadDocument = async (url, issuer) => {
  const { status, document } = await askIssuer(url, issuer, null);
  if (status !== 200) {
    throw new GatewayError('target_unreachable', `The issuer at ${url.origin} gave the status ${status} for ${url.pathname}.`);
  }
  return document;
};

/** Sends a form to an issuer, or asks for a document if there is none. Rejects with GatewayError `target_unreachable` or `target_tls_failed`. */
export const askIssuer: AskIssuer = async (url, { caFile }, asked) => {
  const who = `The issuer at ${url.origin}`;
  const { status, body, isWhole } = await askOnce(url, {
    method: asked === null ? 'GET' : 'POST',
    headers: [
      ['accept', 'application/json'],
      ...(asked === null ? [] : [['content-type', 'application/x-www-form-urlencoded'] as const]),
      ...(asked?.authorization === undefined ? [] : [['authorization', asked.authorization] as const]),
    ],
    body: asked === null ? '' : asked.form.toString(),
    signal: AbortSignal.timeout(2 * answerMs),
    answerMs,
    bodyBytesMax,
    caFile,
    who,
  });
  const unreadable = (why: string): GatewayError => new GatewayError('target_unreachable', `${who} gave ${why} for ${url.pathname}.`);
  if (!isWhole) {
    throw unreadable(`more than ${bodyBytesMax} bytes`);
  }
  try {
    return { status, document: body.length === 0 ? null : JSON.parse(body.toString()) };
  } catch {
    throw unreadable(status === 200 ? 'no JSON' : `the status ${status}`);
  }
};
