import type { SecretReader } from './target.ts';
import { faultOfWebAddress } from './web-address.ts';

/** A receiver outside: of notices, or of all that is recorded. */
export type Sink = NoticeSink | StreamSink;

/** A receiver to which the gateway sends notices. */
export type NoticeSink = WebhookSink | SlackSink | MailSink;

/** A receiver that follows the record. */
interface StreamSink {
  readonly kind: StreamSettings['kind'];
  readonly name: string;
  /** Returns its settings, with its secrets as they are now. A secret that cannot be read is empty. */
  readonly settings: () => StreamSettings;
}

/** The settings of a receiver that follows the record. They hold its secrets. */
export type StreamSettings = StreamFacts &
  (
    | { readonly kind: 'ocsf'; readonly file: string }
    | { readonly kind: 'syslog'; readonly host: string; readonly port: number }
    | { readonly kind: 'otlp'; readonly url: string; readonly authorization: string | null }
    | { readonly kind: 's3'; readonly url: string; readonly region: string; readonly accessKeyId: string; readonly secretAccessKey: string }
  );

export interface StreamFacts {
  readonly name: string;
  /** True: it gets the text of records too, and not facts alone. */
  readonly text: boolean;
  /** The records that it gets, in the language of queries. Null: all. */
  readonly query: string | null;
  readonly caFile: string | null;
}

/** Returns whether a receiver gets notices. */
export function takesNotices(sink: Sink): sink is NoticeSink {
  return sink.kind === 'webhook' || sink.kind === 'slack' || sink.kind === 'smtp';
}

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

/** A mail server that takes messages for people. */
export interface MailSink extends NamedSink {
  readonly kind: 'smtp';
  /** `smtps://USER@HOST:PORT`, or `smtp://` for STARTTLS. */
  readonly url: string;
  readonly from: string;
  readonly to: readonly string[];
  /** Reads the password of the user. Null: it needs none. */
  readonly secret: SecretReader | null;
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
  return faultOfWebAddress(written, 'a sink elsewhere is reached only over https://');
}
