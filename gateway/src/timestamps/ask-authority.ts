import { randomBytes } from 'node:crypto';
import { MalformedError, type Certificate } from '@countersign/ledger';
import {
  encodeHex,
  encodeUtf8,
  formatTimestampRequest,
  nonceBytes,
  parseTimestampAnswer,
  sha256,
  timestampBytesMax,
  verifyTimestamp,
  type TimestampInfo,
} from '@countersign/ledger/format';
import { askOnce } from '../exchange/ask-once.ts';

const requestType = 'application/timestamp-query';
/** Most characters of what an authority says why it gives none. */
const whyMax = 200;
/** The clocks of an authority and of this machine may be so far apart, in ms. */
const apartMs = 86_400_000;

interface AskOptions {
  readonly url: URL;
  /** The PEM file of the authorities that may have signed the certificate of its TLS. Null: those of the system. */
  readonly caFile: string | null;
  /** The authorities from which the signer must descend. Null: any signer will do. */
  readonly trusted: readonly Certificate[] | null;
  readonly signal: AbortSignal;
  /** The longest time in ms until the answer is there. */
  readonly answerMs: number;
}

/** The answer of an authority of timestamps. `refused`: it gave none that counts; why. */
type AuthoritySaid = { readonly said: 'token'; readonly token: Uint8Array; readonly info: TimestampInfo } | { readonly said: 'refused'; readonly why: string };

/**
 * Asks an authority of timestamps (RFC 3161, over HTTP) for a token over a text. A token counts only if it is of this text and this request, and its signature holds. Rejects
 * with GatewayError `target_unreachable` or `target_tls_failed`, or with the signal's reason.
 */
export async function askAuthority(text: string, { url, caFile, trusted, signal, answerMs }: AskOptions): Promise<AuthoritySaid> {
  const bytes = encodeUtf8(text);
  const nonce = makeNonce();
  const answer = await askOnce(url, {
    method: 'POST',
    headers: [['content-type', requestType]],
    body: formatTimestampRequest(sha256(bytes), nonce),
    signal,
    answerMs,
    bodyBytesMax: timestampBytesMax,
    ...(caFile === null ? {} : { caFile }),
    who: 'The authority of timestamps',
  });
  if (answer.status !== 200 || !answer.isWhole) {
    return { said: 'refused', why: answer.status === 200 ? `its answer is longer than ${timestampBytesMax} bytes` : `it answered ${answer.status}` };
  }
  try {
    const parsed = parseTimestampAnswer(answer.body);
    if (parsed.said === 'refused') {
      return { said: 'refused', why: `it gives no timestamp: ${parsed.why.slice(0, whyMax)}` };
    }
    const outcome = await verifyTimestamp(parsed.token, bytes, trusted);
    if (!outcome.holds) {
      return { said: 'refused', why: `its timestamp does not count: ${outcome.why}` };
    }
    const { nonce: answered, timeMs } = outcome.info;
    if (answered !== encodeHex(nonce)) {
      return { said: 'refused', why: 'its timestamp answers another request: the nonce is not that of this one' };
    }
    return Math.abs(timeMs - Date.now()) > apartMs
      ? { said: 'refused', why: `its time is ${new Date(timeMs).toISOString()}: its clock is wrong, or that of this machine` }
      : { said: 'token', token: parsed.token, info: outcome.info };
  } catch (error) {
    if (error instanceof MalformedError) {
      return { said: 'refused', why: `its answer is no timestamp: ${error.message}` };
    }
    throw error;
  }
}

/** Makes a nonce whose first byte is from 64 to 127, so that it is an integer in its shortest form. */
function makeNonce(): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  nonce.writeUInt8((nonce.readUInt8(0) & 0x3f) | 0x40, 0);
  return nonce;
}
