import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../../cli/src/demo/free-port.ts';
import { signAws } from '../../exchange/target/aws-signature.ts';
import { portOf } from '../../wire/testdata/sockets.ts';
import { waitUntil } from '../../../../tests/support/wait-until.ts';

const accessKeyId = 'AKIAEXAMPLE';
const secretAccessKey = 'example-secret-key';
/** The environment with which a client is let in. */
export const s3Environment = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };

/** A server that speaks the protocol of S3, with the bucket `record`. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
}

/** Objects in memory, with the answers that AWS documents: signatures and digests are checked, `If-None-Match: *` refuses what is there. It can be told to fail. */
export class SmallS3Server implements S3Server {
  readonly objects = new Map<string, { bytes: Buffer; headers: Readonly<Record<string, string>> }>();
  /** The names of the objects that were sent, in order. */
  readonly sent: string[] = [];
  /** While it is set, each request is answered with this status. */
  failing: number | null = null;
  /** So many objects more are taken; then each that is sent is answered with 503. */
  failAfter = Infinity;
  /** Told of each object that is taken, before its sender is. */
  onTaken: (name: string) => void = () => undefined;
  /** True: the next object is taken, and its connection closed without an answer. */
  loseAnswer = false;
  /** It says of each object that it has this length. Null: it tells none. Undefined: it tells the truth. */
  toldBytes: number | null | undefined = undefined;
  /** True: it says that it has each object that is asked for. */
  hasAll = false;
  readonly #server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    void this.#answer(request, response);
  });

  static async open(): Promise<SmallS3Server> {
    const small = new SmallS3Server();
    await once(small.#server.listen(0, '127.0.0.1'), 'listening');
    return small;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${portOf(this.#server)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await Promise.resolve();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const name = request.url?.replace(/^\/record\//, '') ?? '';
    const found = this.objects.get(name);
    const end = (status: number, headers: Readonly<Record<string, string>> = {}, bytes: Buffer | string = ''): void => {
      response.writeHead(status, { 'content-length': String(bytes.length), ...headers }).end(request.method === 'HEAD' ? '' : bytes);
    };
    if (request.method === 'HEAD' && (this.hasAll || (found !== undefined && this.toldBytes !== undefined))) {
      const length = this.toldBytes === undefined ? String(found?.bytes.length ?? 0) : this.toldBytes;
      response.writeHead(200, { ...found?.headers, ...(length === null ? {} : { 'content-length': String(length) }) }).end();
    } else if (this.failing !== null) {
      end(this.failing, {}, '<Error><Code>SlowDown</Code></Error>');
    } else if (!isSigned(request, body)) {
      end(403, {}, '<Error><Code>SignatureDoesNotMatch</Code></Error>');
    } else if (request.method === 'PUT') {
      if (this.failAfter === 0) {
        end(503);
        return;
      }
      this.failAfter -= 1;
      const isDigest = request.headers['x-amz-checksum-sha256'] === createHash('sha256').update(body).digest('base64');
      const isThere = request.headers['if-none-match'] === '*' && found !== undefined;
      if (isDigest && !isThere) {
        const kept = Object.entries(request.headers).filter(([key]) => key.startsWith('x-amz-meta-') || key.startsWith('x-amz-object-lock-'));
        this.objects.set(name, { bytes: body, headers: Object.fromEntries(kept.map(([key, value]) => [key, String(value)])) });
        this.sent.push(name);
        this.onTaken(name);
        if (this.loseAnswer) {
          this.loseAnswer = false;
          response.destroy();
          return;
        }
      }
      end(isThere ? 412 : isDigest ? 200 : 400);
    } else if (request.method === 'DELETE') {
      this.objects.delete(name);
      end(204);
    } else if (found === undefined) {
      end(404, {}, '<Error><Code>NoSuchKey</Code></Error>');
    } else {
      const [, last] = /^bytes=0-(\d+)$/.exec(request.headers.range ?? '') ?? [];
      const bytes = last === undefined ? found.bytes : found.bytes.subarray(0, Number(last) + 1);
      end(last === undefined ? 200 : 206, found.headers, bytes);
    }
  }
}

/** Checks a signature as the specification says: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
export function isSigned({ method, url, headers }: IncomingMessage, body: Buffer): boolean {
  const sha256 = (of: string | Buffer): string => createHash('sha256').update(of).digest('hex');
  const hmac = (of: string, by: string | Buffer): Buffer => createHmac('sha256', by).update(of).digest();
  const [, scope = '', names = '', signature] = /Credential=AKIAEXAMPLE\/(\S+), SignedHeaders=([^,]+), Signature=(\w+)/.exec(headers.authorization ?? '') ?? [];
  const lines = names.split(';').map((name) => `${name}:${String(headers[name])}\n`);
  const canonical = `${method}\n${url}\n\n${lines.join('')}\n${names}\n${sha256(body)}`;
  const [date = '', region = '', service = ''] = scope.split('/');
  const signing = [region, service, 'aws4_request'].reduce((by, of) => hmac(of, by), hmac(date, `AWS4${secretAccessKey}`));
  return hmac(`AWS4-HMAC-SHA256\n${String(headers['x-amz-date'])}\n${scope}\n${sha256(canonical)}`, signing).toString('hex') === signature;
}

const versity = 'versitygw';

/** versitygw, which keeps objects as files: https://github.com/versity/versitygw */
export async function openVersityServer(): Promise<S3Server> {
  await using parts = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'countersign-versity-'));
  parts.defer(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const port = await freePort();
  const environment = { ...process.env, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey };
  const words = ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', '--sidecar', join(directory, 'meta'), '--versioning-dir', join(directory, 'versions')];
  for (const name of ['meta', 'versions', 'objects']) {
    mkdirSync(join(directory, name));
  }
  const child = spawn(versity, [...words, join(directory, 'objects')], { env: environment, stdio: 'ignore' });
  parts.defer(async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await waitUntil(async () => (await fetch(endpoint).catch(() => null)) !== null);
  const headers = [
    ['host', `127.0.0.1:${port}`],
    ['x-amz-bucket-object-lock-enabled', 'true'],
  ] as const;
  const key = { accessKeyId, secretAccessKey, region: 'us-east-1', service: 's3' };
  const signed = signAws({ method: 'PUT', path: '/record', headers }, [], key, new Date());
  const made = await fetch(`${endpoint}/record`, { method: 'PUT', headers: Object.fromEntries([headers[1], ...signed.headers]) });
  assert.equal(made.status, 200, await made.text());
  const owned = parts.move();
  return { endpoint, [Symbol.asyncDispose]: async () => owned.disposeAsync() };
}
