import type { SecretReader } from './target.ts';
import { faultOfWebAddress } from './web-address.ts';

/** A receiver outside to which the gateway sends notices. */
export type Sink = WebhookSink | SlackSink;

interface NamedSink {
  readonly name: string;
  /** True: notices have the text of requests and of decisions too, and not only facts. */
  readonly text: boolean;
  /** The PEM file of the authorities that may have signed the receiver's certificate. Absent: those of the system. */
  readonly caFile?: string;
}

/** A receiver of Standard Webhooks. */
interface WebhookSink extends NamedSink {
  readonly kind: 'webhook';
  readonly url: string;
  /** Reads the secrets of the signatures: one, or several while it is changed. */
  readonly secret: SecretReader;
}

/** A receiver that takes what Slack takes. */
interface SlackSink extends NamedSink {
  readonly kind: 'slack';
  /** Reads the address, which is the credential itself. */
  readonly url: SecretReader;
}

const prefix = 'whsec_';
const keyBytesMin = 24;
const keyBytesMax = 64;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Reads the keys of a secret: `whsec_` and base64, or several of these with spaces between. Null if it has another form. */
export function readKeys(secret: string): readonly Buffer[] | null {
  const keys = secret
    .trim()
    .split(/\s+/)
    .map((word) => (word.startsWith(prefix) ? word.slice(prefix.length) : word))
    .map((word) => (base64.test(word) ? Buffer.from(word, 'base64') : Buffer.alloc(0)));
  return keys.every(({ length }) => length >= keyBytesMin && length <= keyBytesMax) ? keys : null;
}

/** Returns why an address cannot be that of a sink; null if it can. */
export function refuseSinkUrl(written: string): string | null {
  return faultOfWebAddress(written, 'notices leave this machine only over https://');
}
