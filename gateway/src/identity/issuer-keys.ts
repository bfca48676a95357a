import { errors, createLocalJWKSet, type CryptoKey, type FlattenedJWSInput, type JWSHeaderParameters } from 'jose';
import { GatewayError } from '../domain/errors.ts';
import type { Issuer } from '../domain/issuer.ts';
import { faultOfWebAddress } from '../domain/web-address.ts';

/** Keys of this age are read anew in the background when they are used. A key that the issuer withdraws is not accepted for longer than about this time. */
const freshMs = 300_000;
/** Keys of this age are not used any more: for so long an issuer may be out of reach without an effect on tokens that were made before. */
const usableMs = 3_600_000;
/** The shortest time between two readings, whoever causes them: tokens with unknown key ids, or an issuer that does not answer. */
const pauseMs = 10_000;
const keysMax = 100;

/** Reads a JSON document of an issuer. Rejects with a GatewayError that says why it cannot be read. */
export type ReadDocument = (url: URL, issuer: Issuer) => Promise<unknown>;

/** A form for an issuer, with the header by which the client says who it is. */
interface IssuerForm {
  readonly form: URLSearchParams;
  readonly authorization?: string;
}

/** Sends a form to an issuer, or asks for a document if there is none, and reads the answer, which is JSON or empty. Rejects with a GatewayError if there is none. */
export type AskIssuer = (url: URL, issuer: Issuer, asked: IssuerForm | null) => Promise<{ readonly status: number; readonly document: unknown }>;

/** The addresses at an issuer where people sign in, as it publishes them. */
export interface IssuerEndpoints {
  readonly authorization: string;
  readonly token: string;
  /** Null: it has none. */
  readonly revocation: string | null;
  /** How clients may show their secret. */
  readonly authenticationMethods: readonly string[];
}

export interface IssuerKeysOptions {
  readonly issuer: Issuer;
  readonly read: ReadDocument;
  readonly now: () => number;
  /** Called each time that the keys cannot be read. */
  readonly onTrouble: (error: GatewayError) => void;
  /** Called when the issuer publishes other keys than before. */
  readonly onChange: () => void;
}

interface PublishedKeys {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly all: readonly object[];
  readonly text: string;
  readonly readMs: number;
}

/** The keys with which an issuer signs, as it publishes them (RFC 7517, OpenID Connect Discovery 1.0). They are read when they are needed, and kept for a time. */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  #keys: PublishedKeys | null = null;
  /** The document in which the issuer says what it has. */
  #said: Readonly<Record<string, unknown>> = {};
  #failure: GatewayError | null = null;
  #askedMs = -Infinity;
  #reading: Promise<void> | null = null;
  /** Counts the times that the issuer published other keys than before: what was verified with earlier ones must be verified again. */
  generation = 0;
  /** When the last token ends that was verified with the keys, in milliseconds since 1970, UTC. */
  neededUntilMs = 0;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  get issuer(): Issuer {
    return this.#options.issuer;
  }

  /** True while the keys that were read may be used. Begins to read them anew if they are old. */
  areUsable(): boolean {
    const ageMs = this.#keys === null ? Infinity : this.#options.now() - this.#keys.readMs;
    if (this.#keys !== null && ageMs > freshMs && this.#mayAsk()) {
      // A failure is told to whoever shows a token when the keys cannot be used any more.
      this.#read().catch(() => undefined);
    }
    return ageMs <= usableMs;
  }

  /**
   * Finds the key that the header of a token names, among the keys for its algorithm. Rejects with GatewayError `issuer_unreachable`, and with errors of jose:
   * JWKSNoMatchingKey if the issuer publishes no such key.
   */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (!this.areUsable()) {
      await this.#read();
    }
    try {
      return await this.#found(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || (this.#reading === null && !this.#mayAsk())) {
        throw error;
      }
    }
    await this.#read();
    return this.#found(header, token);
  }

  /** Returns where people sign in. Rejects with GatewayError `issuer_unreachable`. */
  async endpoints(): Promise<IssuerEndpoints> {
    if (!this.areUsable()) {
      await this.#read();
    }
    const methods = this.#said['token_endpoint_auth_methods_supported'];
    return {
      authorization: this.#addressOf('authorization_endpoint'),
      token: this.#addressOf('token_endpoint'),
      revocation: this.#said['revocation_endpoint'] === undefined ? null : this.#addressOf('revocation_endpoint'),
      authenticationMethods: Array.isArray(methods) ? methods.filter((method) => typeof method === 'string') : ['client_secret_basic'],
    };
  }

  /** Returns the keys that are published under a key id, as text; all of them for a token that names none. If it changes, what the token was verified with is withdrawn. */
  publishedAs(kid: string | undefined): string {
    return JSON.stringify(this.#keys?.all.filter((key) => kid === undefined || ('kid' in key && key.kid === kid)));
  }

  async #found(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#keys === null) {
      throw this.#failure ?? this.#unreachable('its keys were not read');
    }
    return this.#keys.find(header, token);
  }

  #mayAsk(): boolean {
    return this.#reading === null && Math.abs(this.#options.now() - this.#askedMs) >= pauseMs;
  }

  /** Reads the keys anew, once for all who wait. Rejects with GatewayError `issuer_unreachable`; with the last one if the issuer was asked only a moment ago. */
  async #read(): Promise<void> {
    if (this.#reading === null && !this.#mayAsk()) {
      throw this.#failure ?? this.#unreachable('it was asked a moment ago');
    }
    this.#reading ??= this.#ask().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #ask(): Promise<void> {
    const { issuer, read, now, onTrouble, onChange } = this.#options;
    this.#askedMs = now();
    try {
      await this.#discover();
      const address = this.#addressOf('jwks_uri');
      const document = await read(new URL(address), issuer);
      if (!isKeySet(document) || document.keys.length > keysMax) {
        throw this.#unreachable(`its keys at ${address} cannot be read`);
      }
      const text = JSON.stringify(document.keys);
      const isChanged = this.#keys !== null && this.#keys.text !== text;
      this.#keys = { find: createLocalJWKSet(document), all: document.keys, text, readMs: now() };
      this.#failure = null;
      if (isChanged) {
        this.generation += 1;
        onChange();
      }
    } catch (error) {
      this.#failure = error instanceof GatewayError && error.code === 'issuer_unreachable' ? error : this.#unreachable(wordsOf(error));
      onTrouble(this.#failure);
      throw this.#failure;
    }
  }

  /** Reads what the issuer says of itself. It must call itself as the configuration calls it, so that no other issuer speaks for it. */
  async #discover(): Promise<void> {
    const { issuer, read } = this.#options;
    const document = await read(new URL(`${issuer.url.replace(/\/$/, '')}/.well-known/openid-configuration`), issuer);
    const said: Readonly<Record<string, unknown>> = typeof document === 'object' && document !== null ? { ...document } : {};
    if (said['issuer'] !== issuer.url) {
      const itself = typeof said['issuer'] === 'string' ? JSON.stringify(said['issuer'].slice(0, 256)) : 'nothing';
      throw this.#unreachable(`it calls itself ${itself}: write exactly that as its url if it is the right one`);
    }
    this.#said = said;
  }

  /** Returns an address that the issuer publishes. Throws GatewayError `issuer_unreachable` if it is none that is asked. */
  #addressOf(name: string): string {
    const address = this.#said[name];
    const fault = faultOfWebAddress(typeof address === 'string' ? address : '', 'an issuer is asked only over https://, or on this machine');
    if (typeof address !== 'string' || fault !== null) {
      throw this.#unreachable(`its address ${name} is not accepted: ${fault ?? 'there is none'}`);
    }
    return address;
  }

  #unreachable(why: string): GatewayError {
    const { name, url } = this.#options.issuer;
    return new GatewayError('issuer_unreachable', `Tokens of the issuer ${name} (${url}) cannot be verified now: ${why}.`);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof GatewayError ? error.message.replace(/\.$/, '') : 'its keys cannot be read';
}

function isKeySet(document: unknown): document is { keys: object[] } {
  return (
    typeof document === 'object' &&
    document !== null &&
    'keys' in document &&
    Array.isArray(document.keys) &&
    document.keys.every((key) => typeof key === 'object' && key !== null)
  );
}
