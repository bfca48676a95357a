import { createHash } from 'node:crypto';
import { segmentBytesMax } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { BucketSettings, LockMode } from '../domain/storage.ts';
import { askOnce, type OwnAnswer, type OwnRequest } from '../exchange/ask-once.ts';
import { pairHeaders } from '../exchange/headers.ts';
import { headerOf } from '../exchange/reading.ts';
import { readAwsKey, signAws } from '../exchange/target/aws-signature.ts';
import { readSecret } from '../store/read-secret.ts';

/** The longest time in ms until an object is sent or read. */
const objectMs = 300_000;
const answerBytesMax = 64 * 1024;
/** The header in which this gateway says the SHA-256 digest of an object, in hex: every server keeps it, also one that knows no checksums. */
const digestHeader = 'x-amz-meta-sha256';
/** The statuses by which a server says that the object is there already, or that somebody else is writing it. */
const alreadyThere: ReadonlySet<number> = new Set([409, 412]);

export interface ObjectLock {
  readonly mode: LockMode;
  readonly untilMs: number;
}

/** The facts about an object that the bucket gives without the object. */
export interface ObjectFacts {
  readonly bytes: number;
  /** The SHA-256 digest, in hex, that its sender stated, and that the server checked when it took the object. Null: another program sent it. */
  readonly digest: string | null;
}

/**
 * A bucket that speaks the protocol of S3: PUT, GET, HEAD and DELETE of single objects, whose names are known. All of them reject with GatewayError
 * `storage_unavailable`, which says what the server answered.
 */
export class Bucket {
  readonly #settings: BucketSettings;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal;
  readonly #now: () => number;

  constructor(settings: BucketSettings, { environment, signal, now }: { environment: NodeJS.ProcessEnv; signal: AbortSignal; now: () => number }) {
    this.#settings = settings;
    this.#environment = environment;
    this.#signal = signal;
    this.#now = now;
  }

  /** The bucket and the beginning of the names in it, for messages. */
  get name(): string {
    return `s3://${this.#settings.bucket}/${this.#settings.prefix}`;
  }

  /**
   * Sends an object that never changes, unless one of its name is there. Rejects with GatewayError `conflict` if there is another one, which is never replaced.
   */
  async keep(name: string, bytes: Uint8Array, lock: ObjectLock | null): Promise<void> {
    // A server may overwrite in spite of the condition, so it is asked first.
    if (!(await this.#holds(name, bytes))) {
      const locked =
        lock === null
          ? []
          : ([
              ['x-amz-object-lock-mode', lock.mode.toUpperCase()],
              ['x-amz-object-lock-retain-until-date', new Date(lock.untilMs).toISOString()],
            ] as const);
      await this.add(name, bytes, locked);
    }
  }

  /** Does what `keep` does without asking first whether the object is there, for who knows that it was not. `headers` are sent with it. */
  async add(name: string, bytes: Uint8Array, headers: OwnRequest['headers']): Promise<void> {
    const digest = digestOf(bytes);
    const answer = await this.#put(name, { bytes, digest }, [['if-none-match', '*'], ...headers]);
    if (!alreadyThere.has(answer.status) || !(await this.#holds(name, bytes))) {
      this.#require(answer, name);
    }
  }

  /** Resolves if the bucket has an object with these bytes. Otherwise rejects with GatewayError `conflict`, or `storage_unavailable`. */
  async require(name: string, bytes: Uint8Array): Promise<void> {
    if (!(await this.#holds(name, bytes))) {
      throw this.#unavailable(`${name}, which was sent there, is gone`);
    }
  }

  /** Sends an object that takes the place of an earlier one. */
  async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.#require(await this.#put(name, { bytes, digest: digestOf(bytes) }, []), name);
  }

  /** Returns what the bucket says of an object; null: it has none of this name. */
  async find(name: string): Promise<ObjectFacts | null> {
    const answer = await this.#ask('HEAD', name, {});
    if (answer.status === 404) {
      return null;
    }
    this.#require(answer, name);
    const headers = pairHeaders(answer.rawHeaders);
    const length = headerOf(headers, 'content-length') ?? '';
    if (!/^\d{1,15}$/.test(length)) {
      throw this.#unavailable(`it does not say how many bytes ${name} has`);
    }
    return { bytes: Number(length), digest: headerOf(headers, digestHeader) ?? null };
  }

  /** Reads an object, whose bytes have the digest that its sender stated; null: there is none. */
  async read(name: string): Promise<Uint8Array | null> {
    const answer = await this.#ask('GET', name, { bodyBytesMax: segmentBytesMax });
    if (answer.status === 404) {
      return null;
    }
    this.#require(answer, name);
    const told = headerOf(pairHeaders(answer.rawHeaders), digestHeader);
    if (!answer.isWhole || (told !== undefined && told !== digestOf(answer.body))) {
      throw this.#unavailable(`${name} did not come as it was sent there`);
    }
    return answer.body;
  }

  /** Reads the first bytes of an object; null: there is none. */
  async readBeginning(name: string, bytes: number): Promise<Uint8Array | null> {
    const answer = await this.#ask('GET', name, { headers: [['range', `bytes=0-${bytes - 1}`]], bodyBytesMax: segmentBytesMax });
    if (answer.status === 404) {
      return null;
    }
    this.#require(answer, name);
    return answer.body.subarray(0, bytes);
  }

  /** Removes an object, if it is there. */
  async remove(name: string): Promise<void> {
    const answer = await this.#ask('DELETE', name, {});
    if (answer.status !== 404) {
      this.#require(answer, name);
    }
  }

  /** Returns whether an object is there. Rejects with GatewayError `conflict` if one of this name is there that is another. */
  async #holds(name: string, bytes: Uint8Array): Promise<boolean> {
    const found = await this.find(name);
    // The digest is what its sender stated: a server that lost a part of the object still says it.
    if (found !== null && (found.digest !== digestOf(bytes) || found.bytes !== bytes.length)) {
      throw new GatewayError(
        'conflict',
        `${this.name}${name} is another object than the one here, and none is replaced. This store is not the one that the bucket has: give it a prefix of its own.`,
      );
    }
    return found !== null;
  }

  async #put(name: string, { bytes, digest }: { bytes: Uint8Array; digest: string }, headers: OwnRequest['headers']): Promise<OwnAnswer> {
    const checksum = Buffer.from(digest, 'hex').toString('base64');
    return this.#ask('PUT', name, { body: bytes, headers: [[digestHeader, digest], ['x-amz-checksum-sha256', checksum], ...headers] });
  }

  async #ask(method: OwnRequest['method'], name: string, { body = '', headers = [], bodyBytesMax = answerBytesMax }: Partial<OwnRequest>): Promise<OwnAnswer> {
    const { region, caFile } = this.#settings;
    const url = this.#placeOf(name);
    const told = [...headers, ...(body.length === 0 && method === 'PUT' ? ([['content-length', '0']] as const) : [])];
    const head = { method, path: url.pathname, headers: [['host', url.host], ...told] as const };
    const key = { ...this.#key(), region, service: 's3' };
    const signed = signAws(head, [Buffer.from(body)], key, new Date(this.#now()));
    try {
      return await askOnce(url, {
        method,
        headers: [...told, ...signed.headers],
        body,
        signal: this.#signal,
        answerMs: objectMs,
        bodyBytesMax,
        caFile: caFile ?? undefined,
        who: `The bucket ${this.name}`,
      });
    } catch (cause) {
      throw cause instanceof GatewayError ? new GatewayError('storage_unavailable', cause.message, { cause }) : cause;
    }
  }

  #placeOf(name: string): URL {
    const { bucket, region, endpoint, prefix } = this.#settings;
    const path = `${prefix}${name}`;
    if (endpoint === null && !bucket.includes('.')) {
      return new URL(`https://${bucket}.s3.${region}.amazonaws.com/${path}`);
    }
    return new URL(`${endpoint?.replace(/\/$/, '') ?? `https://s3.${region}.amazonaws.com`}/${bucket}/${path}`);
  }

  #key(): ReturnType<typeof readAwsKey> {
    const { accessKeyId, secretAccessKey, sessionToken } = this.#settings;
    try {
      const read = (source: typeof accessKeyId): string => readSecret(source, this.#environment);
      return { ...readAwsKey(read(accessKeyId), read(secretAccessKey)), ...(sessionToken === null ? {} : { sessionToken: read(sessionToken) }) };
    } catch (cause) {
      throw this.#unavailable(cause instanceof Error ? cause.message : 'its key cannot be read', cause);
    }
  }

  #require({ status, body }: OwnAnswer, name: string): void {
    if (status < 200 || status > 299) {
      const [, code = ''] = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(body.toString('latin1')) ?? [];
      throw this.#unavailable(`it answers with the status ${status}${code === '' ? '' : ` (${code})`} to a request for ${name}`);
    }
  }

  #unavailable(why: string, cause?: unknown): GatewayError {
    return new GatewayError('storage_unavailable', `The bucket ${this.name} cannot be used: ${why}.`, { cause });
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
